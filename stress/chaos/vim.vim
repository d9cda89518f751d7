" Functions, buffers, undo, syntax, jobs and typed keys; what it wrote is what is compared.
set nomore nocompatible undofile undodir=. hidden viminfo= shortmess=aoOtTI
syntax on
filetype on
let s:words = {}
for s:line in readfile($INPUTS . '/lines', '', 400)
  for s:word in split(s:line, '\W\+')
    let s:words[s:word] = get(s:words, s:word, []) + [len(s:line), s:word[::-1]]
  endfor
endfor
call writefile(map(sort(keys(s:words)), {_, k -> k . ' ' . string(s:words[k][:6])}), 'words')
exe 'edit' $INPUTS . '/project/alloc/src/realloc.c'
saveas! changed.c
%s/\<\(\w\)\(\w*\)\>/\=toupper(submatch(1)) . submatch(2)/ge
g/^$/d
redraw!
%!sort
undo
normal! ggVG=
for s:i in range(60)
  exe 'normal!' (s:i * 13 % 200 + 1) . 'Gyyp'
  silent! exe 's/[aeiou]/' . s:i . '/g'
  if s:i % 7 == 0 | silent! undo | endif
  if s:i % 20 == 0 | earlier 5 | later 3 | endif
endfor
exe "normal! Goinserted\<C-R>=2*21\<CR>\<Esc>qajddp@aq3@a"
write
split other | read !echo from the shell
vsplit | windo setlocal number | redraw! | only
call append(0, map(range(300), 'printf("%05d", v:val * 7919 % 10007)'))
sort n /\d/ | 1,250!tac
try | call nothing#there() | catch | call append('$', v:exception) | endtry
write! other
let s:highlit = [] " what the syntax makes of every word
buffer changed.c
for s:l in range(1, 60) | call add(s:highlit, synIDattr(synID(s:l, 3, 1), 'name')) | endfor
let s:ended = []
if has('job')
  let s:job = job_start(['sh', '-c', 'echo out; echo more >&2; cat'], {'callback': {c, m -> add(s:ended, m)}, 'in_io': 'file', 'in_name': 'other'})
  while job_status(s:job) ==# 'run' || len(s:ended) < 290 | sleep 10m | let s:tries = get(s:, 'tries', 0) + 1 | if s:tries > 1000 | break | endif | endwhile
endif
call writefile(s:highlit + sort(copy(s:ended)) + [json_encode(json_decode('{"a": [1, 2.5, null]}')), sha256(join(getline(1, '$'), "\n"))], 'told')
call feedkeys(":edit typed\<CR>ione two three\<Esc>yyp:s/two/2/g\<CR>o\<C-V>u00e4\<Esc>ggVGJ:wq!\<CR>", 'tx')
call feedkeys(":qa!\<CR>", 't')
