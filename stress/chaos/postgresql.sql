-- After pgbench: what its clients did together, then plans of all sorts; the answers are in order.
select count(*), sum(delta), min(aid), max(aid) from pgbench_history;
select sum(abalance) from pgbench_accounts;
select sum(bbalance) from pgbench_branches;
create table t (id int primary key, k text, j jsonb, a int[], d numeric) partition by range (id);
create table t1 partition of t for values from (0) to (5000);
create table t2 partition of t for values from (5000) to (20001);
insert into t select i, md5(i::text) || repeat('long', i % 80), jsonb_build_object('i', i, 'm', md5(i::text), 'l', array[i % 7, i % 11]),
    array(select generate_series(1, i % 20)), i / 7.0 from generate_series(1, 20000) i;
create index on t using gin (j); create index on t (k); create index on t using brin (d);
analyze t;
select id % 10 as g, count(*), sum(d), max(k collate "C") ~ 'long', avg(cardinality(a)) from t group by 1 order by 1;
select a.id, b.j ->> 'm' from t a join t b on a.id = (b.j ->> 'i')::int * 2 where b.j @> '{"l": [3]}' order by 1 limit 20;
select count(*) from (select k, row_number() over (partition by id % 100 order by d desc) n, lag(k) over (order by id) from t) w where n < 5;
with recursive tree(id, depth) as (select 1, 0 union all select id * 2 + x, depth + 1 from tree, (values (0), (1)) v(x) where depth < 10)
    select depth, count(*), sum(t.d) from tree left join t using (id) group by 1 order by 1;
select string_agg(regexp_replace(k, '(\d)([a-f])', '\2\1', 'g'), ',' order by id) from t where id < 30;
select jsonb_path_query_array(jsonb_agg(j order by id), '$[*] ? (@.i < 10).m') from t where id < 100;
select xpath('/a/b/text()', ('<a><b>' || repeat('x', 2000) || '</b></a>')::xml) is not null;
create function f(n int) returns setof text language plpgsql as $$
declare row record; begin
    for row in select * from t where id <= n order by id loop
        begin
            if row.id % 10 = 0 then raise exception 'no %', row.id; end if;
            return next upper(left(row.k, 10)) || array_to_string(row.a, '-');
        exception when others then return next sqlerrm; end;
    end loop;
end $$;
select * from f(100);
begin; declare c scroll cursor for select id, d from t order by d desc; fetch 3 from c; move last in c; fetch backward 3 from c; commit;
begin; update t set d = d + 1 where id % 3 = 0; savepoint s; delete from t; rollback to s; commit;
delete from t where id % 5 = 0; vacuum full t1; vacuum (analyze, parallel 2) t2; reindex table t2; cluster t2 using t2_pkey;
create materialized view m as select id % 50 as g, array_agg(d order by id) from t group by 1; refresh materialized view m;
select g, array_length(array_agg, 1), array_agg[1] from m order by g limit 5;
copy (select id, k, j from t order by id limit 500) to stdout with csv;
select to_tsvector('english', repeat('the quick foxes jumped ', 50)) @@ 'fox & jump'::tsquery, count(*) from t where k ilike '%9f%';
discard all;
