// Workers that are started and ended, memory that they share or hand over, the pool behind crypto and zlib.
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import vm from 'node:vm';
import zlib from 'node:zlib';
import { promisify } from 'node:util';
import { pipeline } from 'node:stream/promises';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const digest = (data) => crypto.createHash('sha256').update(data).digest('hex').slice(0, 16);

function churn(rounds, seed) {
    let x = seed, sum = 0;
    const kept = new Map(), weak = new WeakMap();
    for (let i = 0; i < rounds; i++) {
        x = (Math.imul(x, 1103515245) + 12345) >>> 1;
        const text = `x${x} `.repeat(x % 60);
        const value = { text: text.replace(/x(\d+)/g, (_, d) => Number(d).toString(16)), bytes: Buffer.alloc(x % 9000, x & 255) };
        weak.set(value, i);
        kept.set(`k${x % 200}`, value);
        if (kept.size > 150) for (const key of [...kept.keys()].slice(0, 80)) kept.delete(key);
        sum = (sum + JSON.stringify(value.text).length + value.bytes.reduce((a, b) => a + b, 0)) >>> 0;
    }
    return sum;
}

if (!isMainThread) {
    const { number, rounds, shared } = workerData;
    const cells = new Int32Array(shared);
    const sum = churn(rounds, number + 1);
    for (let i = 0; i < 1000; i++) Atomics.add(cells, i % cells.length, 1);
    const handed = new Uint8Array(50000 + number).fill(number);
    const packed = zlib.deflateSync(zlib.gzipSync(Buffer.from(`w${number}`.repeat(rounds))));
    parentPort.on('message', (port) => { port.postMessage(digest(packed)); port.close(); parentPort.close(); });
    parentPort.postMessage({ number, sum, handed }, [handed.buffer]);
} else {
    const rounds = Number(process.argv[2]);
    const shared = new SharedArrayBuffer(400);
    const one = (number) => new Promise((done, failed) => {
        const worker = new Worker(new URL(import.meta.url), { workerData: { number, rounds, shared }, resourceLimits: { maxOldGenerationSizeMb: 64 } });
        worker.on('error', failed);
        worker.on('message', ({ sum, handed }) => {
            const { port1, port2 } = new MessageChannel();
            port1.on('message', (hash) => done([number, sum, handed.length, handed[7], hash].join(' ')));
            worker.postMessage(port2, [port2]);
        });
    });
    for (let round = 0; round < 2; round++) for (const line of await Promise.all([0, 1, 2, 3].map(one))) console.log(line);
    console.log(new Int32Array(shared).reduce((a, b) => a + b), churn(rounds * 2, 99));

    const ended = await Promise.all([1, 2, 3].map((n) => new Promise((done) => { // in the middle of something
        const worker = new Worker('let a = []; for (;;) { a.push("x".repeat(a.length % 999)); if (a.length > 5000) a = []; }', { eval: true });
        worker.on('online', () => setTimeout(() => worker.terminate().then(done), 20 * n));
    })));
    console.log(ended.join(' '));

    const pool = []; // libuv's
    for (let i = 0; i < 12; i++) {
        pool.push(promisify(crypto.scrypt)(`p${i}`, 'salt', 32, { N: 256 }).then((b) => b.toString('hex')));
        pool.push(promisify(zlib.brotliCompress)(Buffer.from('b'.repeat(20000 + i)), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } }).then(promisify(zlib.brotliDecompress)).then(digest));
        pool.push(fs.promises.readFile(fileURLToPath(import.meta.url)).then((b) => b.length > 1000));
    }
    console.log((await Promise.all(pool)).join('\n'));
    const keys = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
    console.log(crypto.verify('sha256', Buffer.from('m'), keys.publicKey, crypto.sign('sha256', Buffer.from('m'), keys.privateKey)));

    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-'));
    const source = path.join(folder, 'source'), target = path.join(folder, 'target');
    fs.writeFileSync(source, 'line of text\n'.repeat(rounds * 100));
    await pipeline(fs.createReadStream(source), zlib.createGzip(), zlib.createGunzip(), fs.createWriteStream(target));
    console.log(digest(fs.readFileSync(target)));
    fs.rmSync(folder, { recursive: true });

    for (let i = 0; i < 10; i++) console.log(vm.runInNewContext('Array.from({ length: n }, (_, i) => i ** 2).join().length', { n: i * 100 }));
    console.log([...new Intl.Segmenter('en', { granularity: 'word' }).segment('some words, split')].length, new Intl.NumberFormat('de').format(1234567.5));
    const child = spawnSync(process.execPath, ['-e', 'process.stdout.write("c".repeat(70000)); process.exitCode = 5'], { maxBuffer: 1e6 });
    console.log(child.stdout.length, child.status);
}
