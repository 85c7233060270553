-- Reports to authorities: never without a named member's verdict, never twice.

alter table verdicts add unique (organisation_id, id);

-- Why content must not be deleted although its time is over; null while nothing holds it.
alter table vault_objects add column legal_hold text check (legal_hold <> '');

create table reports (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  case_id         uuid not null,
  verdict_id      uuid not null,
  authority       text not null check (authority <> ''),
  state           text not null check (state in
                    ('drafted', 'confirmed', 'submitting', 'uploading', 'finishing', 'retry',
                     'filed', 'failed', 'withdrawn')),
  drafted_by      uuid not null,
  drafted_at      timestamptz not null,
  typed           bytea,               -- sealed: what members typed
  confirmed_by    uuid,
  confirmed_at    timestamptz,
  document        bytea,               -- sealed: the report as confirmed
  endpoint        text,
  remote_id       bigint,              -- the authority's number of the open or filed report
  run             integer not null default 0,  -- who starts work raises it; older workers lose
  attempts        integer not null default 0,
  next_attempt_at timestamptz,
  finishing_at    timestamptz,         -- set while the last step may have been done
  last_answer     text,
  request_id      text,
  filed_at        timestamptz,
  receipt         bytea,               -- the authority's notification, as received
  withdrawn_by    uuid,
  withdrawn_at    timestamptz,
  why             text,
  keep_until      timestamptz,
  erased_at       timestamptz,         -- typed and document are gone
  unique (organisation_id, id),
  foreign key (organisation_id, case_id) references cases (organisation_id, id),
  foreign key (organisation_id, verdict_id) references verdicts (organisation_id, id),
  foreign key (organisation_id, drafted_by) references members (organisation_id, id),
  foreign key (organisation_id, confirmed_by) references members (organisation_id, id),
  foreign key (organisation_id, withdrawn_by) references members (organisation_id, id),
  constraint reports_confirmed_by_a_member check
    (state in ('drafted', 'withdrawn') or (confirmed_by is not null and confirmed_at is not null)),
  constraint reports_filed check
    ((state = 'filed') = (filed_at is not null) and (state <> 'filed' or remote_id is not null))
);
-- One report of a case to an authority, until it is withdrawn.
create unique index reports_live on reports (organisation_id, case_id, authority)
  where state <> 'withdrawn';
create index reports_kept on reports (organisation_id, keep_until) where erased_at is null;

create table report_files (
  organisation_id uuid not null,
  report_id       uuid not null,
  number          integer not null check (number >= 0),
  object_id       uuid not null,
  state           text not null check (state in ('planned', 'uploaded', 'described')),
  remote_file_id  text,
  primary key (report_id, number),
  foreign key (organisation_id, report_id) references reports (organisation_id, id),
  foreign key (organisation_id, object_id) references vault_objects (organisation_id, id),
  constraint report_files_uploaded check (state = 'planned' or remote_file_id is not null)
);

-- Whatever route is tried: a report rests on a verdict of its own case that asks for one, and it
-- is confirmed only while such a verdict stands. What is filed stays filed.
create function lapwing_report_rests_on_verdict() returns trigger language plpgsql as $$
begin
  if not exists (
    select from verdicts v
     where v.id = new.verdict_id and v.case_id = new.case_id
       and v.outcome in ('confirmed', 'welfare'))
  then
    raise exception 'a report needs a verdict of its case that asks for one'
      using errcode = 'restrict_violation';
  end if;
  if new.state = 'confirmed' and not exists (
    select from cases c where c.id = new.case_id and c.outcome in ('confirmed', 'welfare'))
  then
    raise exception 'the verdict that stands asks for no report'
      using errcode = 'restrict_violation';
  end if;
  if tg_op = 'UPDATE' and old.state = 'filed' and
     (new.state, new.remote_id, new.filed_at, new.receipt, new.endpoint) is distinct from
     (old.state, old.remote_id, old.filed_at, old.receipt, old.endpoint)
  then
    raise exception 'a filed report cannot be changed' using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger rests_on_verdict after insert or update on reports
  for each row execute function lapwing_report_rests_on_verdict();

do $$
declare tenant text;
begin
  foreach tenant in array array['reports', 'report_files'] loop
    execute format('alter table %I enable row level security', tenant);
    execute format(
      'create policy own_organisation on %I to lapwing_app
         using (organisation_id = lapwing_organisation())
         with check (organisation_id = lapwing_organisation())', tenant);
    execute format('grant select, insert on %I to lapwing_app', tenant);
  end loop;
end $$;
grant update (verdict_id, state, typed, confirmed_by, confirmed_at, document, endpoint, remote_id,
              run, attempts, next_attempt_at, finishing_at, last_answer, request_id, filed_at,
              receipt, withdrawn_by, withdrawn_at, why, keep_until, erased_at)
  on reports to lapwing_app;
-- A report that is confirmed again may take other files along.
grant update (object_id, state, remote_file_id) on report_files to lapwing_app;
grant delete on report_files to lapwing_app;
