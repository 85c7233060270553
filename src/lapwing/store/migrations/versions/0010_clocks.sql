-- A child is in danger now, as a member says, with the reason; both null when that was taken back.
alter table cases add column danger_at timestamptz;
alter table cases add column danger_why text;
alter table cases add constraint danger_has_a_reason
  check ((danger_at is null) = (danger_why is null));

-- The member who is named when a legal clock is about to lapse.
alter table organisations add column fallback_member uuid;
alter table organisations add constraint fallback_is_a_member
  foreign key (id, fallback_member) references members (organisation_id, id);

-- For the alarm and for whoever watches the machine: how many cases wait, of all organisations,
-- and nothing by which one of them could be told. What a kind of organisation owes in its country
-- is for law/ to say. `known` is the first verdict that asked for a report.
create function lapwing_clocks(now timestamptz)
  returns table (kind text, country text, waits text, danger boolean, known timestamptz)
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select o.kind, o.country, 'report', c.danger_at is not null, f.at
      from public.cases c
      join public.organisations o on o.id = c.organisation_id
      cross join lateral (select min(v.at) as at from public.verdicts v
                           where v.case_id = c.id and v.outcome in ('confirmed', 'welfare')) f
     where c.outcome in ('confirmed', 'welfare')
       and not exists (select from public.reports r
                        where r.case_id = c.id and r.state = 'filed' and r.authority = 'cybertipline')
    union all
    select o.kind, o.country, 'verdict', true, c.danger_at
      from public.cases c
      join public.organisations o on o.id = c.organisation_id
     where c.state in ('open', 'claimed') and c.danger_at is not null;
  end;
revoke all on function lapwing_clocks from public;
grant execute on function lapwing_clocks to lapwing_app;
