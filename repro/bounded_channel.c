/*
 * bounded_channel - a channel made in one phase never takes another message in the next.
 *
 * A channel of a fixed capacity is one ring of slots, made with it. Each slot has a stamp that
 * tells sender and receiver whose turn it is. An overwritten stamp says that it is nobody's turn:
 * the sender assumes that another thread is at work on the slot, and waits for it, but there is
 * none.
 */
#include "models/bounded_channel.h"
#include "repro.h"

#include <stdlib.h>

enum { messages = 8, message_bytes_most = 256 }; /* in each phase */

struct channel {
    struct repro_run *run;
    struct bounded_channel *ring;
    unsigned phase;
    bool failed; /* the real program's unwrap() would have ended it */
};

static void make(struct channel *channel)
{
    struct repro_run *run = channel->run;

    channel->ring =
        bounded_channel_create(repro_option(run, "capacity"), repro_option(run, "message-bytes"));
    if (channel->ring == NULL)
        abort();
}

static unsigned char expected(const struct channel *channel, unsigned i)
{
    return (unsigned char)(channel->phase * messages + i);
}

static void send(struct channel *channel, unsigned i)
{
    unsigned char message[message_bytes_most] = {expected(channel, i)};

    if (bounded_channel_send(channel->ring, message)) /* returns, or does not */
        return;
    channel->failed = true;
    repro_wrong(channel->run, "the channel says that it is disconnected");
}

/* Runs on the receiving thread. */
static void receive_all(void *arg)
{
    struct channel *channel = arg;
    unsigned char message[message_bytes_most];

    for (unsigned i = 0; i < messages; i++) {
        if (!bounded_channel_receive(channel->ring, message) ||
            message[0] != expected(channel, i)) {
            channel->failed = true;
            repro_wrong(channel->run, "a message is another");
            return;
        }
    }
}

static void body(struct repro_run *run)
{
    struct repro_thread *receiver = repro_spawn(run);
    struct channel channel = {.run = run};

    for (; channel.phase <= repro_cycles(run); channel.phase++) {
        if (!repro_begin(run))
            return;
        if (channel.phase == 0)
            make(&channel);
        for (unsigned i = 0; i < messages && !channel.failed; i++)
            send(&channel, i);
        if (!channel.failed)
            repro_on(receiver, receive_all, &channel);
        if (channel.failed)
            return;
        repro_end(run);
    }
    repro_join(run, receiver);
    bounded_channel_destroy(channel.ring);
}

static const struct repro_option options[] = {
    {"capacity", "messages that the channel has room for", 256, messages, 65536, NULL},
    {"message-bytes", "of a message", 8, 1, message_bytes_most, NULL},
    {0},
};

/* none, flush, route, seed, pinned, system */
static const struct repro_variant variants[] = {
    {"--capacity 255",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 640",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CORRUPT, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 641", {REPRO_HANG, REPRO_HANG, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    {"--min-bytes 4097",
     {REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN, REPRO_CLEAN}},
    {"--capacity 40 --message-bytes 96",
     {REPRO_CORRUPT, REPRO_CORRUPT, REPRO_HANG, REPRO_HANG, REPRO_CLEAN, REPRO_CLEAN}},
    {0},
};

static const struct repro_finding findings[] = {
    {"Z27", "dep_cache",
     "A bounded channel's ring is made with it, n x (T + 8) bytes: "
     "from 256 messages of 8 bytes on the seed's 4096 sends it to the arena, and in the next phase a send never returns",
     "critical",
     "by law max(640, n x (T + 8)) + 1 (crossbeam-channel 0.5.6, Rust 1.95); by making the channel before the first phase",
     REPRO_SEED, REPRO_HANG},
    {0},
};

static const struct repro_law law = {
    .formula = "max(640, capacity * ((message_bytes + 7) / 8 * 8 + 8)) + 1",
    .source =
        "crossbeam-channel 0.5.6 and std of Rust 1.95: "
        "Channel.buffer, a boxed slice of slots of a stamp and a message; 640: Counter<Channel>",
    .at = (const char *const[]){"--capacity 8", "--capacity 39", "--capacity 40", "--capacity 41",
                                "--capacity 255", "--capacity 256", "--capacity 257",
                                "--capacity 1024 --message-bytes 1",
                                "--capacity 40 --message-bytes 9", "--message-bytes 48", NULL},
};

const struct repro repro = {
    .id = "R42",
    .slug = "bounded_channel",
    .class = "queue",
    .title = "a channel made in one phase never takes another message in the next",
    .seed = "-",
    .severity = "critical",
    .explain =
        "A bounded channel (crossbeam-channel's, and std's sync_channel, which is a copy of it) is a ring of\n"
        "slots that is allocated with it: n slots of a stamp of 8 bytes and a message, so 4096 bytes for 256\n"
        "messages of 8. It is made by whoever first wants to hand work to another thread, often in a phase,\n"
        "and used for as long as the program runs.\n"
        "\n"
        "A slot's stamp is the position for which it is free, or that position and 1 when there is a message.\n"
        "A send that finds neither takes it that another thread is just about to finish with the slot, and\n"
        "looks again. After a boundary the stamps are the next phase's data: no thread is going to change\n"
        "them, and the send never returns. A prover that stands still, on all cores.\n"
        "\n"
        "4096 is not below 4096: the usual threshold protects rings of up to 255 such messages (--capacity\n"
        "255). Below 641 the channel's own record of 640 bytes is overwritten too, and the send says that the\n"
        "channel is disconnected.\n"
        "\n"
        "No queue is left to drain: profile flush does not help.\n",
    .body = body,
    .options = options,
    .variants = variants,
    .findings = findings,
    .law = &law,
    .expect = {[REPRO_NONE] = REPRO_CORRUPT,
               [REPRO_FLUSH] = REPRO_CORRUPT,
               [REPRO_ROUTE] = REPRO_HANG,
               [REPRO_SEED] = REPRO_HANG,
               [REPRO_PINNED] = REPRO_CLEAN,
               [REPRO_SYSTEM] = REPRO_CLEAN},
};
