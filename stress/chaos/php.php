<?php
// Classes, generators, sorting, expressions, JSON, serialising, cycles for the collector; answers, not times.
declare(strict_types=1);
error_reporting(E_ALL);

interface Shape { public function area(): float; }
abstract class Named implements Shape, JsonSerializable {
    protected static int $made = 0;
    public ?Named $other = null;
    public function __construct(protected string $name, protected array $sides) { self::$made++; }
    public function __destruct() { self::$made--; }
    public static function made(): int { return self::$made; }
    public function jsonSerialize(): mixed { return ['name' => $this->name, 'sides' => $this->sides, 'area' => round($this->area(), 3)]; }
    public function __call(string $what, array $with): string { return "$this->name.$what(" . implode(',', $with) . ')'; }
}
class Box extends Named { public function area(): float { return (float) array_product($this->sides); } }
class Disc extends Named { public function area(): float { return M_PI * $this->sides[0] ** 2; } }

function numbers(int $n): Generator {
    $x = 1;
    for ($i = 0; $i < $n; $i++) {
        $x = ($x * 1103515245 + 12345) % 2147483648;
        $sent = yield $i => $x;
        if ($sent) $x ^= $sent;
    }
    return $x;
}

$n = (int) $argv[1];
$shapes = $words = $kept = [];
foreach ($all = numbers($n) as $i => $x) {
    $shape = $x % 3 ? new Box("box$i", [$x % 7, $x % 11, $i]) : new Disc("disc$i", [$x % 100]);
    $twin = clone $shape;
    $shape->other = $twin;
    $twin->other = $shape;               // only the collector frees these two
    if ($x % 5 == 0) $shapes["s$x"] = $shape;
    $text = str_repeat("x$x y$i ", $x % 40);
    $text = preg_replace_callback('/(?<letter>[xy])(\d+)/', fn($m) => strtoupper($m['letter']) . dechex((int) $m[2]), $text);
    foreach (preg_split('/\s+/', $text, -1, PREG_SPLIT_NO_EMPTY) as $word) $words[substr($word, 0, 3)][] = $word;
    if ($i % 100 == 0) { array_splice($kept, 0, intdiv(count($kept), 2)); }
    $kept[] = [$i => str_pad((string) $x, $x % 2000, 'ab'), 'nested' => range(0, $x % 50)];
    if ($i % 500 == 499) { $words = array_map(fn($list) => array_slice($list, -20), $words); gc_collect_cycles(); }
}
echo $all->getReturn(), ' ', count($shapes), ' ', count($kept), ' ', $shape->anything(1, 'two'), "\n";
uasort($shapes, fn(Shape $a, Shape $b) => [$b->area(), json_encode($a)] <=> [$a->area(), json_encode($b)]);
echo md5($json = json_encode($shapes, JSON_PRETTY_PRINT | JSON_THROW_ON_ERROR)), ' ', strlen($json), "\n";
$back = json_decode($json, true, 512, JSON_THROW_ON_ERROR);
ksort($back);
echo md5(serialize($back)), ' ', count(unserialize(serialize($back))), "\n";
ksort($words);
foreach (array_slice($words, 0, 30) as $k => $list) { sort($list); echo $k, ': ', implode(' ', array_unique(array_slice($list, 0, 9))), "\n"; }

$heap = new SplPriorityQueue; $fixed = new SplFixedArray(100); $store = new SplObjectStorage;
foreach (numbers($n) as $i => $x) { $heap->insert("h$x", [$x % 100, $i]); $fixed[$x % 100] .= "-$i"; }
foreach ($shapes as $s) $store[$s] = strlen(json_encode($s));
for ($i = 0; $i < 10; $i++) echo $heap->extract(), ' ';
echo md5(implode(',', $fixed->toArray())), ' ', count($store), "\n";

$fibers = array_map(fn($k) => new Fiber(function () use ($k, $n) {
    for ($i = 0, $s = ''; $i < $n / 100; $i++) $s = md5($s . Fiber::suspend(str_repeat("$k", $i)));
    return $s;
}), range(1, 8));
foreach ($fibers as $f) $f->start();
while (array_filter($fibers, fn($f) => !$f->isTerminated())) foreach ($fibers as $f) if (!$f->isTerminated()) $f->resume('r');
echo implode(' ', array_map(fn($f) => $f->getReturn(), $fibers)), "\n";

$big = '1'; // arithmetic on strings, streams, filters, dates, exceptions
for ($i = 0; $i < 300; $i++) $big = strrev(implode('', array_map(fn($c) => (9 - (int) $c), str_split($big . $i))));
$stream = fopen('php://temp/maxmemory:1000', 'w+');
stream_filter_append($stream, 'string.rot13', STREAM_FILTER_WRITE);
fwrite($stream, $big . implode(',', array_keys($words)));
rewind($stream);
echo md5(stream_get_contents($stream)), ' ', (new DateTimeImmutable('@86400'))->modify('+3 weeks')->format(DATE_ATOM), "\n";
function deep(int $n): int { if ($n == 0) throw new RuntimeException(str_repeat('deep ', 3)); try { return deep($n - 1) + 1; } finally { $GLOBALS['unwound'] = ($GLOBALS['unwound'] ?? 0) + 1; } }
try { deep(200); } catch (RuntimeException $e) { echo $e->getMessage(), count($e->getTrace()), ' ', $unwound, "\n"; }
if (class_exists('SQLite3')) {
    $db = new SQLite3(':memory:');
    $db->createFunction('twice', fn($x) => "$x$x");
    $db->exec('create table t(a, b)');
    $insert = $db->prepare('insert into t values (:a, :b)');
    foreach (numbers(intdiv($n, 4)) as $i => $x) { $insert->bindValue(':a', $x); $insert->bindValue(':b', str_repeat('b', $i % 300)); $insert->execute(); }
    echo md5(json_encode($db->querySingle('select group_concat(twice(a)), sum(length(b)) from t where a % 3', true))), "\n";
}
if (function_exists('mb_strtoupper')) echo md5(mb_strtoupper(str_repeat('äßπ-ж ', 999), 'UTF-8')), ' ', mb_strlen(mb_convert_encoding('äß', 'UTF-16', 'UTF-8'), '8bit'), "\n";
if (function_exists('gzcompress')) echo md5(gzuncompress(gzcompress($json, 9))), "\n";
$shapes = $store = $shape = $twin = $s = $back = null;
$fibers = [];
gc_collect_cycles();
echo Named::made(), "\n";
