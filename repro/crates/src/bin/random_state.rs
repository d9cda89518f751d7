//! rand: thread_rng's state, one block for each thread, made at its first use.
#![no_main]
use rand::RngCore;
use rand_chacha::rand_core::{RngCore as _, SeedableRng};
use rand_chacha::ChaCha12Rng;
use zkalloc_crates::{repro, Run};

/// The phases' data, as in the model: elements of a field of 31 bits.
const DATA: u64 = 0x2a2a_2a2a_2a2a_2a2a;

/// The numbers of a generator whose key, counter and stream are the phase's data.
fn foretold() -> [u64; 2] {
    let mut generator = ChaCha12Rng::from_seed([0x2a; 32]);
    generator.set_stream(DATA);
    generator.set_word_pos(u128::from(DATA) * 16);
    [generator.next_u64(), generator.next_u64()]
}

fn body(run: Run) {
    let foretold = foretold();
    run.fill_with(DATA);
    for _ in 0..=run.cycles() {
        if !run.begin() {
            return;
        }
        let drawn = [rand::thread_rng().next_u64(), rand::thread_rng().next_u64()];
        if drawn == foretold {
            run.wrong("2 random numbers of 2 were computed from the phase's data");
        }
        run.end();
    }
}

repro!("random_state", "a random generator's state of the phase before is somebody's data", body);
