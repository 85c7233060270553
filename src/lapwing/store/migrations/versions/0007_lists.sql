-- What a match on a list asks for. Only a block list can hold or remove, and an allow list asks for
-- nothing: whatever the code does, a review list removes nothing.
alter table lists add column action text;
update lists set action =
  case kind when 'block' then 'hold' when 'review' then 'review' else 'none' end;
alter table lists alter column action set not null;
alter table lists add constraint lists_action check (
  (kind = 'block' and action in ('none', 'review', 'hold', 'remove'))
  or (kind = 'review' and action in ('none', 'review'))
  or (kind = 'allow' and action = 'none'));
alter table lists add column changed_at timestamptz;

-- What changes how an indicator counts without changing the indicator. Few have any mark, so the
-- node's index keeps them beside its arrays. `marks` is a sum of 1 flooded, 2 disputed,
-- 4 confirmed by a second member (allow entries).
create table indicator_marks (
  organisation_id uuid not null references organisations,
  indicator_id    bigint not null,
  marks           smallint not null check (marks between 0 and 7),
  generation      bigint not null,
  primary key (organisation_id, indicator_id)
);
create index indicator_marks_generation on indicator_marks (generation);

-- What somebody says of an indicator. Said once, never changed; it can be taken back.
create table opinions (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  indicator_id    bigint not null,
  says            text not null check (says in ('true', 'false', 'investigate')),
  partner         text check (length(trim(partner)) > 0),   -- null: the member's own opinion
  member_id       uuid not null,                            -- who gave it, or wrote it down
  trusted         boolean not null,
  why             text not null check (length(trim(why)) > 0),
  at              timestamptz not null,
  retracted_at    timestamptz,
  retracted_by    uuid,
  retracted_why   text,
  unique (organisation_id, id),
  foreign key (organisation_id, member_id) references members (organisation_id, id),
  foreign key (organisation_id, retracted_by) references members (organisation_id, id),
  check ((retracted_at is null) = (retracted_by is null))
);
create index opinions_indicator on opinions (organisation_id, indicator_id);
create unique index opinions_of_member on opinions (organisation_id, indicator_id, member_id)
  where partner is null and retracted_at is null;
create unique index opinions_of_partner on opinions (organisation_id, indicator_id, partner)
  where partner is not null and retracted_at is null;

-- Indicators that count for less until a person has decided.
create table quarantines (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  indicator_id    bigint not null,
  list_id         uuid not null,
  cause           text not null check (cause in ('flood', 'dispute')),
  facts           jsonb not null default '{}',
  opened_at       timestamptz not null,
  confirmed_by    uuid,
  confirmed_at    timestamptz,
  confirmed_why   text,
  released_by     uuid,                -- null with released_at: the dispute was taken back
  released_at     timestamptz,
  released_why    text,
  unique (organisation_id, id),
  foreign key (organisation_id, list_id) references lists (organisation_id, id),
  foreign key (organisation_id, confirmed_by) references members (organisation_id, id),
  foreign key (organisation_id, released_by) references members (organisation_id, id)
);
-- At most one of a cause that acts.
create unique index quarantines_acting on quarantines (organisation_id, indicator_id, cause)
  where released_at is null;
create index quarantines_age on quarantines (organisation_id, opened_at);

-- How often indicators and lists matched. `rate` is the weighted mean of the hours before the one
-- that is being counted. indicator_id 0 is the list as a whole.
create table match_history (
  organisation_id uuid not null references organisations,
  list_id         uuid not null,
  indicator_id    bigint not null,
  hour            bigint not null,     -- hours since 1970 UTC
  count           integer not null,    -- matches in that hour
  rate            double precision not null,
  hours           integer not null,    -- hours that the rate has seen
  seen            integer not null,    -- of a list: indicators of it that ever matched
  allowed         double precision not null default 0,  -- an hour's count that a person let stand
  primary key (organisation_id, list_id, indicator_id)
);

-- Hosted callers: how many hashes a minute a key may ask, what it asked within a day, and what
-- looked like probing. A code here is the PDQ hash of a stranger's picture, so it lives a day only.
alter table api_keys add column per_minute integer check (per_minute between 1 and 100000);
create table hosted_queries (
  organisation_id uuid not null references organisations,
  key_id          uuid not null,
  code            bit(256) not null,
  matched         boolean not null,
  at              timestamptz not null,
  primary key (organisation_id, key_id, code)
);
create index hosted_queries_age on hosted_queries (at);
create table hosted_findings (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  key_id          uuid not null,
  pattern         text not null check (pattern in ('variants', 'straddling')),
  day             date not null,
  count           integer not null,
  first_at        timestamptz not null,
  last_at         timestamptz not null,
  seen_by         uuid,
  seen_at         timestamptz,
  seen_why        text,
  unique (organisation_id, id),
  unique (organisation_id, key_id, pattern, day),
  foreign key (organisation_id, seen_by) references members (organisation_id, id)
);

do $$
declare tenant text;
begin
  foreach tenant in array array[
    'indicator_marks', 'opinions', 'quarantines', 'match_history', 'hosted_queries',
    'hosted_findings'
  ] loop
    execute format('alter table %I enable row level security', tenant);
    execute format(
      'create policy own_organisation on %I to lapwing_app
         using (organisation_id = lapwing_organisation())
         with check (organisation_id = lapwing_organisation())', tenant);
    execute format('grant select, insert on %I to lapwing_app', tenant);
  end loop;
end $$;
grant update (marks, generation) on indicator_marks to lapwing_app;
grant update (retracted_at, retracted_by, retracted_why) on opinions to lapwing_app;
grant update (confirmed_by, confirmed_at, confirmed_why, released_by, released_at, released_why)
  on quarantines to lapwing_app;
grant update on match_history to lapwing_app;
grant update (matched, at), delete on hosted_queries to lapwing_app;
grant update (count, last_at, seen_by, seen_at, seen_why) on hosted_findings to lapwing_app;

create policy node_index on indicator_marks for select to lapwing_index using (true);
grant select on indicator_marks to lapwing_index;
