# Eight threads that make, pass on and drop objects of all sizes; the answer does not depend on who is first.
import queue, re, sys, threading

rounds = int(sys.argv[1])
passed = queue.Queue(64)
sums = [0] * 8

def work(number):
    kept = []
    for i in range(rounds):
        kept.append({"k%d" % j: [number, i, j] * (j % 17) for j in range(i % 23)})
        text = ("x%d " % i) * (i % 300)
        sums[number] += len(re.findall(r"x(\d+)", text)) + sum(len(k) for k in kept[-3:])
        if len(kept) > 50:
            del kept[::2]
        passed.put(bytearray(i % 5000))
        sums[number] += 0 * len(passed.get())

threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(sums, sum(map(hash, sums)))
