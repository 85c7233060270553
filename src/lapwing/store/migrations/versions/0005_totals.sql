-- Numbers for whoever runs this house: totals over all organisations, and nothing by which one of
-- them could be told. `now` is the caller's clock; ages are in seconds.
create function lapwing_totals(now timestamptz)
  returns table (name text, label text, value double precision)
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select 'cases', c.state, count(*)::double precision from public.cases c group by c.state
    union all
    select 'case_age', '', extract(epoch from now - min(c.opened_at))::double precision
      from public.cases c where c.state in ('open', 'claimed')
    union all
    select 'cases_overdue', '', count(*)::double precision
      from public.cases c where c.state in ('open', 'claimed') and c.due_at < now
    union all
    select 'ledger_leaves', '', coalesce(sum(h.size), 0)::double precision
      from public.organisations o
      cross join lateral (select l.size from public.ledger_heads l
                           where l.organisation_id = o.id order by l.size desc limit 1) h
    union all
    select 'ledger_head_age', '', extract(epoch from now - max(h.at))::double precision
      from public.organisations o
      cross join lateral (select l.at from public.ledger_heads l
                           where l.organisation_id = o.id order by l.size desc limit 1) h
    union all
    select 'vault_objects', '', count(*)::double precision
      from public.vault_objects v where v.deleted_at is null
    union all
    select 'vault_due', '', count(*)::double precision
      from public.vault_objects v
     where v.deleted_at is null and v.legal_hold is null and v.delete_at <= now;
  end;
revoke all on function lapwing_totals from public;
grant execute on function lapwing_totals to lapwing_app;
create index vault_objects_due on vault_objects (delete_at)
  where deleted_at is null and legal_hold is null;

-- So that a server can say whether the tables are those it was made for.
grant select on alembic_version to lapwing_app;
