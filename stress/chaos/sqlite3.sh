# shellcheck shell=bash disable=SC2034,SC2154 # chaos_programs.sh sets and reads them
# sqlite3: a small cache, so that pages come and go; indexes, full text, JSON, a write-ahead log.
settings[sqlite3]=$finer
can_sqlite3() { has sqlite3; }
case_sqlite3() {
    "${under[@]}" sqlite3 -batch database <<SQL
pragma journal_mode = wal; pragma cache_size = 50;
create table t(id integer primary key, k text, v blob, n real);
with recursive c(i) as (select 1 union all select i + 1 from c where i < $((lines / 4)))
insert into t select i, printf('key-%06d', (i * 7919) % 100003), zeroblob(i % 400), i / 7.0 from c;
create index t_k on t(k); create index t_n on t(n desc, k);
begin; update t set v = zeroblob(3) || hex(k) where id % 3 = 0; delete from t where id % 7 = 0; commit;
begin; update t set k = k || k || k; rollback;
create virtual table if not exists f using fts5(body);
insert into f select k || ' ' || printf('%d', id) from t where id % 5 = 0;
select count(*) from f where f match 'key';
select substr(k, 1, 6), count(*), sum(length(v)), round(total(n), 3) from t group by 1 order by 1;
select a.k, b.n from t a join t b on a.id = b.id + 1 where a.n > b.n order by a.k limit 500;
select group_concat(k, ',') from (select k from t order by n limit 2000);
select json_group_array(json_object('k', k, 'n', n)) from (select * from t order by id limit 1000);
pragma wal_checkpoint(truncate); vacuum; analyze; pragma integrity_check;
SQL
}
