//! crossbeam-channel: a bounded channel's ring, made in one phase.
#![no_main]
use crossbeam_channel::{bounded, Receiver, Sender};
use zkalloc_crates::{repro, Run};

const MESSAGES: u64 = 8;

fn body(run: Run) {
    let capacity = run.option("capacity\0");
    let receiver = run.spawn();
    let mut channel: Option<(Sender<u64>, Receiver<u64>)> = None;
    for phase in 0..=u64::from(run.cycles()) {
        if !run.begin() {
            return;
        }
        let (sender, end) = channel.get_or_insert_with(|| bounded(capacity));
        for i in 0..MESSAGES {
            sender.send(phase * MESSAGES + i).unwrap(); // returns, or does not
        }
        let got = run.on(receiver, || {
            (0..MESSAGES).all(|i| end.recv() == Ok(phase * MESSAGES + i)) || {
                run.wrong("a message is another");
                false
            }
        });
        if !got {
            std::mem::forget(channel);
            return;
        }
        run.end();
    }
    run.join(receiver);
}

repro!(
    "bounded_channel",
    "a bounded channel of the phase before takes no message",
    body,
    "capacity": "messages that the channel has room for", 256
);
