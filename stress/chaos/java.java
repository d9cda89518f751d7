import java.io.*;
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.regex.*;
import java.util.stream.*;
import java.util.zip.*;

/** Threads that come and go, native memory behind zlib and direct buffers, classes made while it runs. */
public class Threads {
    record Line(int number, long value, String text) implements Comparable<Line> {
        public int compareTo(Line other) { return Comparator.comparing(Line::text).thenComparing(Line::number).compare(this, other); }
    }
    public interface Shape { default double area() { return 1; } }

    static byte[] packed(byte[] plain) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(bytes)) { out.write(plain); }
        return bytes.toByteArray();
    }
    static long work(int seed, int rounds) throws Exception {
        long x = seed, sum = 0;
        var kept = new ArrayDeque<ByteBuffer>();
        var lines = new TreeSet<Line>();
        var digits = Pattern.compile("x(\\d+)");
        for (int i = 0; i < rounds; i++) {
            x = (x * 1103515245 + 12345) % 2147483648L;
            var text = ("x" + x + " ").repeat((int) (x % 60));
            lines.add(new Line(i, x, digits.matcher(text).replaceAll(m -> Long.toHexString(Long.parseLong(m.group(1))))));
            if (lines.size() > 200) lines.removeIf(l -> l.number() % 2 == 0);
            var direct = ByteBuffer.allocateDirect((int) (x % 20000) + 8);
            direct.putLong(0, x);
            kept.add(direct);
            if (kept.size() > 20) sum += kept.poll().getLong(0);
            var plain = text.getBytes();
            var crc = new CRC32();
            try (var in = new GZIPInputStream(new ByteArrayInputStream(packed(plain)))) { crc.update(in.readAllBytes()); }
            sum += crc.getValue() + lines.first().text().length();
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        int rounds = Integer.parseInt(arguments[0]);
        var pool = Executors.newFixedThreadPool(4);
        var answers = new ArrayList<Future<Long>>();
        for (int i = 0; i < 12; i++) { int seed = i; answers.add(pool.submit(() -> work(seed + 1, rounds))); }
        for (var answer : answers) System.out.println(answer.get());
        pool.shutdown();

        var count = new AtomicLong(); // threads that live for a moment
        for (int i = 0; i < rounds; i++) {
            var threads = new Thread[4];
            for (int j = 0; j < threads.length; j++) { int k = i * j; threads[j] = new Thread(() -> count.addAndGet(("t" + k).repeat(k % 9).length())); threads[j].start(); }
            for (var thread : threads) thread.join();
        }
        System.out.println(count + " " + IntStream.range(0, 20000).parallel().mapToObj(Integer::toString).collect(Collectors.joining()).hashCode());

        for (int i = 0; i < 40; i++) { // classes, loaders and proxies
            var loader = new ClassLoader(Threads.class.getClassLoader()) {};
            var shape = (Shape) java.lang.reflect.Proxy.newProxyInstance(loader, new Class<?>[] {Shape.class}, (p, m, a) -> 2.5);
            count.addAndGet((long) shape.area());
            if (i % 10 == 0) System.gc();
        }
        var zip = Path.of("archive.zip");
        try (var out = new ZipOutputStream(Files.newOutputStream(zip))) {
            for (int i = 0; i < 20; i++) {
                var entry = new ZipEntry("entry" + i);
                entry.setTime(315619200000L);
                out.putNextEntry(entry);
                out.write(("content " + i).repeat(i * 50).getBytes());
            }
        }
        try (var file = new ZipFile(zip.toFile())) {
            for (var entries = file.entries(); entries.hasMoreElements(); ) {
                var entry = entries.nextElement();
                System.out.println(entry.getName() + " " + new String(file.getInputStream(entry).readAllBytes()).hashCode());
            }
        }
        try { deep(0); } catch (StackOverflowError e) { System.out.println("deep enough"); }
        var child = new ProcessBuilder("sh", "-c", "cat; exit 3").start();
        try (var in = child.getOutputStream()) { in.write("c".repeat(5000).getBytes()); }
        System.out.println(child.getInputStream().readAllBytes().length + " " + child.waitFor() + " " + count);
    }
    static int deep(int n) { return deep(n + 1) + 1; }
}
