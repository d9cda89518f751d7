// linked.cpp - a user's own C++ program: a scope ends its phase however it is left, by an exception too.
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <zkalloc.h>

namespace
{
enum class leave_by { falling_off, returning, throwing };

bool in_arena(std::size_t size)
{
    const std::unique_ptr<void, void (*)(void *)> block(zk_malloc(size), zk_free);

    return zk_owns(block.get());
}

bool scope(leave_by way)
{
    bool inside = false;
    {
        ZK_PHASE_SCOPE();

        inside = in_arena(5000);
        if (way == leave_by::throwing)
            throw std::runtime_error("out of a phase");
        if (way == leave_by::returning)
            return inside;
    }
    return inside;
}

bool caught()
{
    try {
        scope(leave_by::throwing);
    } catch (const std::runtime_error &) {
        return true;
    }
    return false;
}

bool ended()
{
    return !in_arena(5000) && zk_end_phase() != 0;
}

void body(void *arg)
{
    *static_cast<bool *>(arg) = in_arena(5000);
}
} // namespace

int main()
{
    bool inside = false;
    struct zk_config config;
    struct zk_stats stats;
    bool right = scope(leave_by::falling_off) && ended();

    right = scope(leave_by::returning) && ended() && right;
    right = caught() && ended() && right;
    right = zk_phase(body, &inside) == 0 && inside && ended() && right;
    right = zk_config(&config) == 0 && config.recycle == ZK_RECYCLE_PINNED && right;
    right = zk_stats(&stats) == 0 && stats.phases == 4 && stats.orphans == 0 && right;
    std::puts(right ? "in the arena" : "not in the arena");
    return right ? 0 : 1;
}
