/*
 * operators.cc - all of C++'s operators new and delete, and what the library allocates by them.
 * Exits with 0 if all is well; no exception and no block may get lost on the way.
 */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace
{

void need(bool holds, const char *what)
{
    if (holds)
        return;
    std::fprintf(stderr, "operators: not so: %s\n", what);
    std::_Exit(1);
}

bool aligned(const void *p, std::size_t align)
{
    return reinterpret_cast<std::uintptr_t>(p) % align == 0;
}

struct alignas(256) Wide {
    unsigned char bytes[512];
};

struct Of_thread {
    std::vector<std::string> lines;
    ~Of_thread()
    {
        lines.emplace_back(5000, 'x'); // while the thread ends
    }
};

thread_local Of_thread of_thread;
std::map<int, std::string> made_before_main = {{1, std::string(100, 'a')}, {2, "b"}};

void plain(std::size_t size)
{
    const std::align_val_t align{128};
    volatile std::size_t hidden = size;
    void *p = ::operator new(hidden);
    void *q = ::operator new(hidden, std::nothrow);
    void *r = ::operator new(hidden, align);
    void *s = ::operator new(hidden, align, std::nothrow);

    need(p && q && r && s && aligned(p, 16) && aligned(r, 128) && aligned(s, 128), "new");
    for (void *block : {p, q, r, s})
        std::memset(block, 0x5A, size);
    ::operator delete(p, size);
    ::operator delete(q, std::nothrow);
    ::operator delete(r, size, align);
    ::operator delete(s, align, std::nothrow);
    ::operator delete[](::operator new[](hidden));
    ::operator delete[](::operator new[](hidden, align), align);
    delete new Wide;
    delete[] new Wide[3];
}

unsigned handler_calls;

void refused()
{
    volatile std::size_t too_much = SIZE_MAX / 2 + 1;
    bool thrown = false;

    need(::operator new(too_much, std::nothrow) == nullptr, "new(nothrow) gives null");
    need(::operator new (too_much, std::align_val_t{64}, std::nothrow) == nullptr,
         "so it does aligned");
    std::set_new_handler([] {
        if (++handler_calls == 3)
            std::set_new_handler(nullptr);
    });
    try {
        ::operator delete(::operator new(too_much));
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    need(thrown && handler_calls == 3, "bad_alloc, after the handler");
}

void in_threads()
{
    std::vector<std::thread> threads;

    for (int i = 0; i < 20; i++)
        threads.emplace_back([i] {
            for (std::size_t n = 0; n < 200; n++)
                of_thread.lines.emplace_back(n * 7, static_cast<char>('a' + i));
            for (std::size_t n = 0; n < 200; n++)
                need(of_thread.lines[n] == std::string(n * 7, static_cast<char>('a' + i)),
                     "strings");
        });
    for (std::thread &thread : threads)
        thread.join();
}

void in_containers()
{
    std::map<int, std::shared_ptr<std::string>> map;

    for (int i = 0; i < 5000; i++)
        map[i * 7919 % 1009] =
            std::make_shared<std::string>(std::to_string(i) + std::string(50, '.'));
    for (const auto &[key, value] : map)
        need(std::stoi(*value) * 7919 % 1009 == key, "map");
}

} // namespace

int main()
{
    for (std::size_t size : {0u, 1u, 16u, 100u, 4095u, 4096u, 100000u})
        for (int i = 0; i < 50; i++)
            plain(size);
    refused();
    in_threads();
    in_containers();
    need(made_before_main[1] == std::string(100, 'a') && made_before_main[2] == "b",
         "made before main");
    return 0;
}
