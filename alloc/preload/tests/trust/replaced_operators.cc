/*
 * replaced_operators.cc - a library that replaces only new and delete, as a program's own pool may.
 */
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

namespace
{

std::atomic<unsigned> news;
constexpr std::size_t header = 64; // so that passing a result to free would be noticed

} // namespace

extern "C" unsigned count_of_news();
unsigned count_of_news()
{
    return news;
}

void *operator new(std::size_t size)
{
    char *raw = size > SIZE_MAX - header ? nullptr : static_cast<char *>(std::malloc(size + header));

    if (raw == nullptr)
        throw std::bad_alloc();
    news++;
    return raw + header;
}

void *operator new[](std::size_t size)
{
    return operator new(size);
}

void operator delete(void *p) noexcept
{
    if (p != nullptr)
        std::free(static_cast<char *>(p) - header);
}

void operator delete[](void *p) noexcept
{
    operator delete(p);
}

void operator delete(void *p, std::size_t) noexcept
{
    operator delete(p);
}

void operator delete[](void *p, std::size_t) noexcept
{
    operator delete(p);
}
