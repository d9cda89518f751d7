//! std's BufReader and BufWriter: 8192 bytes each, made in one phase.
#![no_main]
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::raw::{c_char, c_int, c_uint};
use std::os::unix::fs::FileExt;
use std::os::unix::io::FromRawFd;
use zkalloc_crates::{c, repro, Run};

const LINE: usize = 64;
const LINES: usize = 20; // that each phase reads, and writes

extern "C" {
    fn memfd_create(name: *const c_char, flags: c_uint) -> c_int;
}

fn open_file() -> File {
    // Safety: a descriptor of our own.
    unsafe { File::from_raw_fd(memfd_create(c!("file"), 1)) }
}

fn line(number: usize) -> [u8; LINE] {
    let mut line = [b'a' + (number % 26) as u8; LINE];
    line[LINE - 1] = b'\n';
    line
}

fn body(run: Run) {
    let capacity = run.option("capacity\0");
    let all = LINES * (run.cycles() as usize + 1);
    let (mut input, output) = (open_file(), open_file());
    for i in 0..all {
        input.write_all(&line(i)).unwrap();
    }
    input.seek(SeekFrom::Start(0)).unwrap();
    let mut buffers = None;
    for phase in 0..=run.cycles() as usize {
        if !run.begin() {
            return;
        }
        let (reader, writer) = buffers.get_or_insert_with(|| {
            (BufReader::with_capacity(capacity, &input), BufWriter::with_capacity(capacity, &output))
        });
        for i in phase * LINES..(phase + 1) * LINES {
            let mut got = [0; LINE];
            if reader.read_exact(&mut got).is_err() || got != line(i) {
                run.wrong("what is read differs from the file");
            }
            if writer.write_all(&line(i)).is_err() {
                run.wrong("the writer reports an error");
            }
        }
        run.end();
    }
    drop(buffers);
    for i in 0..all {
        let mut got = [0; LINE];
        if output.read_exact_at(&mut got, (i * LINE) as u64).is_err() || got != line(i) {
            run.wrong("the file differs from what was written");
        }
    }
}

repro!(
    "buffered_writer",
    "the buffers of a reader and a writer of the phase before are others' data",
    body,
    "capacity": "bytes of each buffer", 8192
);
