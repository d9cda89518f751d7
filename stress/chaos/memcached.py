# Clients of a memcached on the socket argv[1]: threads that set, change, read back and delete; then shut it down.
import socket, sys, threading

rounds = int(sys.argv[2])
answers = {}

def client(number):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        stream = connection.makefile("rwb")
        def ask(line, body=None):
            stream.write(line.encode() + b"\r\n" + (b"" if body is None else body + b"\r\n"))
            stream.flush()
            return stream.readline().decode().strip()
        def get(key):
            head, found = ask("get " + key), b""
            while head != "END":
                found += stream.read(int(head.split()[3]) + 2)[:-2]
                head = stream.readline().decode().strip()
            return found
        x, told, kept = number + 1, {}, {}
        for i in range(rounds):
            x = (x * 1103515245 + 12345) % 2147483648
            key, body = "c%d-%d" % (number, x % 300), b"%x," % x * (x % 700)
            answer = ask("set %s 0 0 %d" % (key, len(body)), body)
            if x % 5 == 0:
                answer += ask("append %s 0 0 4" % key, b"more")
                body += b"more"
            if x % 7 == 0:
                answer += ask("delete " + key)
                body = b""
            answer += ask("incr c%d-n 1" % number) if i else ask("set c%d-n 0 0 1" % number, b"0")
            if get(key) != body:
                answer = "wrong"
            kept[key] = body
            told[answer.rstrip("0123456789")] = told.get(answer.rstrip("0123456789"), 0) + 1
        right = sum(get(key) == body for key, body in kept.items())
        answers[number] = (right, len(kept), get("c%d-n" % number), sorted(told.items()))

threads = [threading.Thread(target=client, args=(n,)) for n in range(6)]
for t in threads: t.start()
for t in threads: t.join()
for number in sorted(answers): print(number, *answers[number])
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    stream = connection.makefile("rwb", 0)
    for line in b"lru_crawler crawl all", b"flush_all":
        stream.write(line + b"\r\n")
        print(stream.readline().decode().strip())
    stream.write(b"shutdown graceful\r\n")
    stream.read()
