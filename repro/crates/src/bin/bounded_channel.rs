//! crossbeam-channel: a bounded channel's ring, made in one phase.
#![no_main]
use crossbeam_channel::{bounded, Receiver, Sender};
use zkalloc_crates::{repro, Run};

const MESSAGES: u8 = 8;

fn run_with<const BYTES: usize>(run: Run) {
    let capacity = run.option("capacity\0");
    let receiver = run.spawn();
    let mut channel: Option<(Sender<[u8; BYTES]>, Receiver<[u8; BYTES]>)> = None;
    for phase in 0..=run.cycles() as u8 {
        if !run.begin() {
            return;
        }
        let (sender, end) = channel.get_or_insert_with(|| bounded(capacity));
        let message = |i| [phase.wrapping_mul(MESSAGES).wrapping_add(i); BYTES];
        for i in 0..MESSAGES {
            sender.send(message(i)).unwrap(); // returns, or does not
        }
        let got = run.on(receiver, || {
            (0..MESSAGES).all(|i| end.recv() == Ok(message(i))) || {
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

/// The program chooses the type of a message: these are the sizes at which the model's law is
/// checked.
fn body(run: Run) {
    match run.option("message-bytes\0") {
        1 => run_with::<1>(run),
        8 => run_with::<8>(run),
        9 => run_with::<9>(run),
        48 => run_with::<48>(run),
        other => panic!("messages of {other} bytes: want 1, 8, 9 or 48"),
    }
}

repro!(
    "bounded_channel",
    "a bounded channel of the phase before takes no message",
    body,
    "capacity": "messages that the channel has room for", 256,
    "message-bytes": "of a message", 8
);
