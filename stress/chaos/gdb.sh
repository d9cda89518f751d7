# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# gdb: debugs a program with threads that is under the allocator too; breakpoints, stacks, and gdb's
# Python if it has one.
can_gdb() { has gdb gcc && [[ $(gdb -nx -batch -ex 'print 6 * 7' 2>&1) == *42* ]]; }
prepare_gdb() {
    cat >"$inputs/debugged.c" <<'C'
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chained { struct chained *next; int number; char text[16]; };
static struct chained *node_list;
static int node_sum;

static struct chained *put_node(int number)
{
    struct chained *node = calloc(1, sizeof *node);
    node->next = node_list;
    node->number = number;
    snprintf(node->text, sizeof node->text, "node %d", number);
    node_list = node;
    return node;
}
static void *work(void *argument)
{
    for (int i = 0; i < 2000; i++) {
        char *text = strdup(argument);
        free(realloc(text, (size_t)i + 8));
    }
    return NULL;
}
static int go_down(int n)
{
    if (n == 0)
        return put_node(-1)->number;
    return go_down(n - 1) + 1;
}
int main(void)
{
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, work, "argument");
    for (int i = 0; i < 40; i++)
        node_sum += put_node(i)->number;
    node_sum += go_down(20);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    printf("sum %d\n", node_sum);
    return 3;
}
C
    gcc -g -O0 -pthread -o "$inputs/debugged" "$inputs/debugged.c"
}
case_gdb() {
    cat >"$scratch/commands" <<'GDB'
set print address off
set print thread-events off
set print inferior-events off
set pagination off
break put_node if number == 30
run
backtrace
info locals
finish
print *node_list
print *node_list->next->next
ptype struct chained
watch node_sum
continue
continue
delete
break go_down if n == 0
continue
backtrace
up 5
print n
thread apply 1 backtrace 2
call put_node(1000)
print node_list->text
info types chained
info functions put_node
list put_node
disassemble main
python print([f.name() for f in [gdb.newest_frame(), gdb.newest_frame().older()]])
python print(sorted(s.name for s in gdb.selected_frame().function().symtab.static_block() if s.is_variable))
continue
print $_exitcode
GDB
    SHELL=/bin/sh HOME=$scratch "${under[@]}" gdb -nx -batch -x "$scratch/commands" "$inputs/debugged" 2>&1 |
        grep -v '^warning: Error disabling address space' | sed -E 's/0x[0-9a-f]+/ADDRESS/g; s/(LWP|process) [0-9]+/\1/'
}
