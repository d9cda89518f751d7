/*
 * operators_of_others.cc - C++'s new and delete when another library defines them: one that also defines malloc, after
 * ours, so that the arena serves them; or one that replaces only the operators, and keeps them. Argument: arena or
 * theirs.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <new>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

extern "C" {
int zk_begin_phase() __attribute__((weak));
int zk_end_phase() __attribute__((weak));
bool zk_owns(const void *p) __attribute__((weak));
unsigned count_of_news() __attribute__((weak)); // in the library that replaces them
}

namespace
{

void need(bool holds, const char *what)
{
    if (holds)
        return;
    std::fprintf(stderr, "operators_of_others: not so: %s\n", what);
    std::_Exit(1);
}

// Blocks of one phase, used and deleted in the next, on another thread.
void hand_over()
{
    std::vector<std::string> lines;

    for (unsigned round = 0; round < 40; round++) {
        if (zk_begin_phase)
            need(zk_begin_phase() == 0, "a phase begins");
        for (unsigned i = 0; i < 50; i++)
            lines.emplace_back(1 + (round * 131 + i * 977) % 9000, static_cast<char>('a' + i % 26));
        if (zk_end_phase)
            need(zk_end_phase() == 0, "it ends");
        std::thread([&lines] {
            for (unsigned i = 0; i < lines.size(); i++)
                need(lines[i].find_first_not_of(static_cast<char>('a' + i % 26)) == std::string::npos,
                     "what was kept is whole");
            lines.clear();
            lines.shrink_to_fit();
        }).join();
    }
}

struct alignas(512) Wide {
    unsigned char bytes[1024];
};

void check_arena()
{
    if (!zk_owns)
        return; // the control
    need(zk_begin_phase() == 0, "a phase begins");
    char *plain = new char[5000];
    Wide *wide = new Wide;
    char *quiet = new (std::nothrow) char[5000];
    need(zk_owns(plain) && zk_owns(wide) && zk_owns(quiet), "the arena serves what new asks for");
    need(reinterpret_cast<std::uintptr_t>(wide) % 512 == 0, "and aligns it");
    delete[] plain;
    delete wide;
    delete[] quiet;
    need(zk_end_phase() == 0, "it ends");
}

void check_theirs()
{
    unsigned before = count_of_news();
    char *volatile block = new char[100];

    need(count_of_news() == before + 1, "new is the library's");
    delete[] block;
}

// More than there is: new throws, whatever serves it.
void check_failure()
{
    volatile std::size_t size = SIZE_MAX / 4;
    bool thrown = false;

    try {
        char *volatile block = new char[size];
        delete[] block;
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    need(thrown, "bad_alloc is thrown");
    need(new (std::nothrow) char[size] == nullptr, "or null is returned");
}

} // namespace

int main(int argc, char **argv)
{
    alarm(20);
    need(argc == 2, "there is one argument");
    hand_over();
    if (std::strcmp(argv[1], "arena") == 0)
        check_arena();
    else
        check_theirs();
    check_failure();
    return 0;
}
