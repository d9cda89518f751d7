// Blocks that the C++ library allocates are attributed to the line that used the container. Volatile reads stay where they
// are written, so that each has a line at any level of optimisation.
#include "planted.h"

#include <array>
#include <cstdint>
#include <deque>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

volatile long sink;

#define LOOK(it) (*const_cast<const volatile std::remove_reference_t<decltype(it)> *>(&(it)))

namespace {
struct Page {
    std::array<std::uint64_t, 1000> words;
};

template <class T> struct Pool { // a container of the program's own, around one of the library's
    std::vector<T> items;
    __attribute__((noinline)) void add(T item)
    {
        items.push_back(item); // PLANT:pool 32768 add
    }
};
} // namespace

static std::unordered_map<std::string, int> columns;
static std::shared_ptr<Page> page;
static std::string title;
static std::function<std::uint64_t()> later;
static std::map<int, std::array<char, 3000>> *tree;
static std::deque<std::array<char, 256>> *queue;
static std::unique_ptr<std::uint64_t[]> row;
static Pool<std::uint64_t> pool;

__attribute__((noinline)) static void fill_pool()
{
    for (std::uint64_t i = 0; i < 4096; i++)
        pool.add(i);
}

__attribute__((noinline)) static void fill_columns()
{
    for (int i = 0; i < 5000; i++)
        columns["a column whose name is not short enough to lie in the string " + std::to_string(i)] = i; // PLANT:columns ~ fill_columns
}

__attribute__((noinline)) static void make_others()
{
    page = std::make_shared<Page>();                // PLANT:page 8016 make_others
    title = std::string(7000, 'x');                 // PLANT:title 7001 make_others
    row = std::make_unique<std::uint64_t[]>(600);   // PLANT:row 4800 make_others
    (*(tree = new std::map<int, std::array<char, 3000>>))[4][7] = 'q'; // PLANT:tree ~ make_others
}

__attribute__((noinline)) static void make_closure()
{
    std::array<std::uint64_t, 500> table{};

    table[3] = 7;
    later = [table] { return LOOK(table[3]); }; // PLANT:closure 4000 make_closure STALE:closure
}

__attribute__((noinline)) static long use_containers()
{
    long all = 0;

    all += (long)LOOK(pool.items[17]); // STALE:pool
    all += columns.find("a column whose name is not short enough to lie in the string 77")->second; // STALE:columns
    all += (long)LOOK(page->words[4]); // STALE:page
    return all;
}

__attribute__((noinline)) static long use_others()
{
    long all = 0;

    all += LOOK(title[100]);      // STALE:title
    all += (long)LOOK(row[5]);    // STALE:row
    all += (long)later();
    all += LOOK((*tree)[4][7]);   // STALE:tree
    return all;
}

int main()
{
    for (int phase = 0; phase < 3; phase++) {
        begin();
        if (phase == 0) {
            fill_pool();
            fill_columns();
            make_others();
            make_closure();
        } else {
            sink = use_containers() + use_others();
        }
        end();
    }
    return 0;
}
