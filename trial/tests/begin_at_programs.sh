# shellcheck shell=bash
# begin_at_programs.sh - the programs of begin_at_test and trial_test, to be sourced: each writes its source to the current
# folder. All of them keep one block of 5000 bytes from the first round on, which is retained whenever a round begins.

c_program() {
    cat >prover.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char *kept;
static inline __attribute__((always_inline)) int tiny(int x) { return x * 3 + 1; }
__attribute__((noinline, noclone)) void finish_early(void) { __asm__ volatile(""); }
__attribute__((noinline, noclone)) void finish_late(void) { __asm__ volatile(""); }
__attribute__((noinline, noclone)) void finish(void) { __asm__ volatile(""); }
__attribute__((noinline, noclone)) unsigned prove(unsigned round)
{
    unsigned sum = tiny((int)round); /* first line of prove */
    for (unsigned i = 0; i < 2000; i++) {
        volatile char *block = malloc(100 + i * 4);
        block[i % 100] = (char)(i + round);
        sum += (unsigned char)block[i % 100];
        free((void *)block);
    }
    if (kept == NULL)
        memset(kept = malloc(5000), 7, 5000);
    finish();
    return sum + (unsigned char)kept[4999];
}
int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 4, sum = (unsigned)tiny(argc);
    setvbuf(stdout, NULL, _IONBF, 0);
    for (unsigned i = 0; i < rounds; i++)
        sum += prove(i);
    finish_early();
    finish_late();
    printf("%u\n", sum);
    return argc > 2 ? atoi(argv[2]) : 0;
}
END
}

library_program() {
    cat >proving.c <<'END'
#include <stdlib.h>
#include <string.h>
static char *kept;
unsigned prove(unsigned round)
{
    if (kept == NULL)
        memset(kept = malloc(5000), 7, 5000);
    return round + (unsigned char)kept[1];
}
END
    cat >linked.c <<'END'
unsigned prove(unsigned round);
int main(void) { return prove(1) + prove(2) + prove(3) != 27; }
END
    cat >opener.c <<'END'
#include <dlfcn.h>
int main(int argc, char **argv)
{
    void *library = dlopen(argc > 1 ? argv[1] : "", RTLD_NOW);
    unsigned (*prove)(unsigned);
    if (library == 0)
        return 1;
    *(void **)&prove = dlsym(library, "prove");
    return prove(1) + prove(2) + prove(3) != 27;
}
END
}

cxx_program() {
    cat >prover.cc <<'END'
#include <memory>
#include <vector>
namespace my_prover {
struct Prover {
    std::unique_ptr<char[]> kept;
    __attribute__((noinline)) long prove(std::vector<int> &input);
    __attribute__((noinline)) long verify(int x) { return x + kept[1]; }
    __attribute__((noinline)) long verify(long x) { return x + kept[2]; }
};
long Prover::prove(std::vector<int> &input)
{
    std::vector<long> squares;
    for (int x : input)
        squares.push_back((long)x * x);
    if (!kept)
        kept.reset(new char[5000]());
    return squares.back() + kept[3];
}
}
int main()
{
    my_prover::Prover prover;
    std::vector<int> input(1000, 3);
    long sum = 0;
    for (int i = 0; i < 4; i++)
        sum += prover.prove(input) + prover.verify(i) + prover.verify((long)i);
    return sum == 36 + 12 ? 0 : 1;
}
END
}

rust_program() {
    cat >prover.rs <<'END'
mod stark {
    pub struct Prover {
        pub kept: Option<Box<[u8; 5000]>>,
    }
    #[inline(never)]
    pub fn prove(prover: &mut Prover, rows: usize) -> u64 {
        let mut squares = Vec::new();
        for i in 0..rows as u64 {
            squares.push(std::hint::black_box(i) * i);
        }
        let kept = prover.kept.get_or_insert_with(|| Box::new([7; 5000]));
        squares.iter().sum::<u64>() + std::hint::black_box(kept)[4999] as u64
    }
}
fn main() {
    let mut prover = stark::Prover { kept: None };
    let mut sum = 0;
    for _ in 0..4 {
        sum += stark::prove(&mut prover, 1000);
    }
    assert_eq!(sum, 4 * (332833500 + 7));
}
END
}
