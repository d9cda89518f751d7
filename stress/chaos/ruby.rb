# Threads, fibers, strings, expressions, sorting; with the collector at every allocation, and compacting.
require 'json'
require 'digest'
require 'zlib'
require 'stringio'

rounds = ARGV[0].to_i
queue = SizedQueue.new(16)
sums = Array.new(6, 0)
threads = sums.each_index.map do |number|
  Thread.new do
    x = number + 1
    kept = []
    rounds.times do |i|
      x = (x * 1103515245 + 12345) % 2147483648
      text = "x#{x} " * (x % 200)
      kept << { "k#{i}" => text.gsub(/x(\d+)/) { $1.to_i.to_s(16) }, list: (0..x % 30).map { |j| [j, j.to_s * 9] } }
      kept.slice!(0, kept.size / 2) if kept.size > 40
      queue << ('q' * (x % 3000))
      sums[number] += kept.last.to_s.size + kept.first[:list].size + queue.pop.size * 0
    end
  end
end
threads.each(&:join)
p sums

Node = Struct.new(:key, :left, :right) do
  include Comparable
  def <=>(other) = key <=> other.key
  def insert(node) = node < self ? (left ? left.insert(node) : self.left = node) : (right ? right.insert(node) : self.right = node)
  def each(&block)
    left&.each(&block)
    block.call(key)
    right&.each(&block)
  end
end
x = 7
root = Node.new('m')
rounds.times { x = (x * 1103515245 + 12345) % 2147483648; root.insert(Node.new(x.to_s(36) * (x % 9))) }
puts Digest::SHA256.hexdigest(root.to_enum.to_a.join(','))
back = Marshal.load(Marshal.dump(root))
puts back == root, Zlib::Inflate.inflate(Zlib::Deflate.deflate(back.to_enum.to_a.join)).size
puts Digest::MD5.hexdigest(JSON.pretty_generate(root.to_enum.to_a.group_by(&:size).transform_keys(&:to_s)))

generators = (1..20).map { |n| Enumerator.new { |out| a = 'a' * n; loop { out << a; a = a.succ * (a.size > 500 ? 1 : 2); a = a[0, 400] } } }
puts Digest::MD5.hexdigest((1..20).flat_map { generators.map(&:next) }.join)
fibers = (1..50).map { |n| Fiber.new { 10.times { |i| Fiber.yield(('f' * n * i).hash.zero? ? 0 : n * i) }; :done } }
p 11.times.map { fibers.map(&:resume).count(:done) }

GC.stress = true
words = (1..60).map { |i| "w#{i}".to_sym.to_proc && "w#{i}".upcase.tr('W', 'v').unpack1('H*') }
GC.stress = false
puts words.join(' ')
4.times { GC.compact rescue nil; 2000.times { |i| "#{i}" * i.to_s.size } }
GC.verify_compaction_references(toward: :empty, expand_heap: true) rescue nil
def deep(n) = n.zero? ? raise(ArgumentError, 'deep ' * 20) : [deep(n - 1)].first
begin
  deep(500)
rescue ArgumentError => error
  puts error.message, error.backtrace.size
end
puts (2**4000).to_s.size, (1..400).inject(:*).digits.sum, Rational(1, 3) + 1.25r, Complex(1, 2)**9
out = IO.popen(['cat'], 'r+') { |io| io.write('p' * 30_000); io.close_write; io.read }
puts out.size, fork { exit!(('c' * 1000).size == 1000 ? 7 : 1) }.then { |pid| Process.wait2(pid)[1].exitstatus }
ractors = (1..2).map { |n| Ractor.new(n) { |m| (1..2000).map { |i| (i * m).to_s }.join.size } } if defined?(Ractor)
p ractors&.map(&:take)
ObjectSpace.each_object(String).first(3).size.then { |count| puts count }
