-- A generation number alone does not tell whether a node's file of the bank belongs to this
-- database: one that was set back to an old backup counts the same numbers again. So every change
-- gets a random mark. The trigger gives it, so that no writer can forget to.
create table bank_changes (
  generation bigint primary key,
  mark       uuid not null default gen_random_uuid()
);
insert into bank_changes (generation) select generation from bank_generation;
grant select on bank_changes to lapwing_index;

-- A file older than the last 100,000 changes is made anew, so older marks are of no use.
create function lapwing_mark_change() returns trigger
  language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into public.bank_changes (generation) values (new.generation)
    on conflict (generation) do update set mark = gen_random_uuid();
  delete from public.bank_changes
   where generation = new.generation - 100000 or generation > new.generation;
  return null;
end $$;
revoke all on function lapwing_mark_change from public;
create trigger mark_change after update of generation on bank_generation
  for each row execute function lapwing_mark_change();
