# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# java: the compiler, then the compiled program; with two collectors, and a small heap, so that they
# have work.
can_java() { has java javac; }
case_java() {
    cp "$inputs/java.java" Threads.java
    "${under[@]}" javac -J-XX:-UsePerfData -J-Xmx256m -Xlint:-options Threads.java &&
        "${under[@]}" java -XX:-UsePerfData -XX:+UseG1GC -XX:ParallelGCThreads=2 -Xmx64m -cp . Threads "$((lines / 4000))" &&
        "${under[@]}" java -XX:-UsePerfData -XX:+UseSerialGC -Xint -Xmx64m -cp . Threads 3
}
