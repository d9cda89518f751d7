# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# python: threads; the tests of its library. Every object comes from malloc.
python=''
if has python3; then # the real program behind a shim; and one that has the tests of its library, if any does
    for candidate in "$(python3 -c 'import sys; print(sys.executable)')" /usr/bin/python3; do
        [[ -x $candidate ]] || continue
        python=${python:-$candidate}
        "$candidate" -c 'import test.test_json' 2>/dev/null && python=$candidate && break
    done
fi
with_python() { PYTHONMALLOC=malloc PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 "${under[@]}" "$python" "$@"; }
has_python_tests() { [[ -n $python ]] && "$python" -c "import test.$1" 2>/dev/null; }

settings[python_threads]=$finer
can_python_threads() { [[ -n $python ]]; }
case_python_threads() { with_python "$inputs/python_threads.py" "$((lines / 100))"; }
settings[python_json]=$finer
can_python_json() { has_python_tests test_json; }
case_python_json() { with_python "$inputs/python_tests.py" test.test_json.test_decode test.test_json.test_scanstring \
    test.test_json.test_encode_basestring_ascii test.test_json.test_pass1 test.test_json.test_unicode \
    test.test_json.test_float test.test_json.test_separators test.test_json.test_indent test.test_json.test_tool; }
settings[python_re]=$finer
can_python_re() { has_python_tests test_re; }
case_python_re() { with_python "$inputs/python_tests.py" test.test_re; }
settings[python_threading]=$finer
can_python_threading() { has_python_tests test_threading; }
case_python_threading() { with_python "$inputs/python_tests.py" test.test_threading; }
