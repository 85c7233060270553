-- The first house. Every tenant table carries organisation_id, has row-level security from the
-- start, and refers to other tenant tables only together with organisation_id.
-- Run by the owner role, which is exempt from the policies; `lapwing_app` is not.

create function lapwing_organisation() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('lapwing.organisation', true), '')::uuid;

create table organisations (
  id            uuid primary key,
  name          text not null unique check (name <> ''),
  kind          text not null,
  country       text not null check (country ~ '^[A-Z]{2}$'),
  keep_content  text,
  keep_days     integer check (keep_days > 0),
  scan_private  text,
  media_hosts   text[] not null default '{}',
  created_at    timestamptz not null
);

create table members (
  organisation_id uuid not null references organisations,
  id              uuid not null,
  name            text not null check (name <> ''),
  role            text not null,
  created_at      timestamptz not null,
  disabled_at     timestamptz,
  primary key (id),
  unique (organisation_id, id),
  unique (organisation_id, name)
);

create table sign_in_links (
  token_hash      bytea primary key,
  organisation_id uuid not null,
  member_id       uuid not null,
  created_at      timestamptz not null,
  expires_at      timestamptz not null,
  used_at         timestamptz,
  foreign key (organisation_id, member_id) references members (organisation_id, id)
);

create table member_sessions (
  token_hash      bytea primary key,
  organisation_id uuid not null,
  member_id       uuid not null,
  created_at      timestamptz not null,
  expires_at      timestamptz not null,
  ended_at        timestamptz,
  foreign key (organisation_id, member_id) references members (organisation_id, id)
);

create table api_keys (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  name            text not null,
  secret_hash     bytea not null unique,
  scopes          text[] not null,
  lists           uuid[] not null default '{}',
  created_by      text not null,
  created_at      timestamptz not null,
  revoked_at      timestamptz
);

create table lists (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  name            text not null check (name <> ''),
  kind            text not null check (kind in ('block', 'review', 'allow')),
  source          text not null,
  basis           text not null,
  category        text not null,
  verified        boolean not null,
  known_distance  smallint not null check (known_distance between 0 and 10),
  near_distance   smallint not null check (near_distance between 0 and 31),
  valid_from      timestamptz,
  valid_until     timestamptz,
  created_at      timestamptz not null,
  unique (organisation_id, id),
  unique (organisation_id, name)
);

-- One counter for the node's index; adding and withdrawing raise it in their own transaction.
create table bank_generation (
  only_row   boolean primary key default true check (only_row),
  generation bigint not null
);
insert into bank_generation values (true, 0);

create table indicators (
  organisation_id uuid not null,
  id              bigint generated always as identity primary key,
  list_id         uuid not null,
  kind            text not null,
  value           bytea not null,      -- hash bytes, or the canonical URL or domain in UTF-8
  quality         smallint check (quality between 0 and 100),
  category        text not null,
  source          text not null,
  basis           text not null,
  added_at        timestamptz not null,
  valid_from      timestamptz,
  valid_until     timestamptz,
  withdrawn_at    timestamptz,
  withdrawn_why   text,
  generation      bigint not null,     -- of the last change to this row
  foreign key (organisation_id, list_id) references lists (organisation_id, id)
);
create unique index indicators_live on indicators (list_id, kind, value) where withdrawn_at is null;
create index indicators_generation on indicators (generation);

create table items (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  source          text not null,
  source_id       text not null,
  kind            text not null,
  at              timestamptz not null,
  received_at     timestamptz not null,
  account         text,
  facts           jsonb not null,      -- the item without its free text (hash-only by default)
  unique (organisation_id, source, source_id)
);

create table decisions (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  item_id         uuid not null unique,
  at              timestamptz not null,
  actions         text[] not null,
  rules           text[] not null,
  why             text[] not null,
  pack            text not null,
  generation      bigint,
  case_id         uuid
);

create table findings (
  organisation_id uuid not null references organisations,
  id              bigint generated always as identity primary key,
  item_id         uuid not null,
  kind            text not null,
  family          text not null,
  score           real not null,
  reasons         jsonb not null,
  detector        text not null,
  version         text not null
);
create index findings_item on findings (item_id);

create table cases (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  number          integer not null,
  state           text not null,
  priority        real not null,
  title           text not null,
  opened_at       timestamptz not null,
  updated_at      timestamptz not null,
  due_at          timestamptz,
  claimed_by      uuid,
  claimed_at      timestamptz,
  outcome         text,
  appealed_at     timestamptz,
  unique (organisation_id, id),
  unique (organisation_id, number),
  foreign key (organisation_id, claimed_by) references members (organisation_id, id)
);
create index cases_queue on cases (organisation_id, state, priority desc, opened_at);

create table case_subjects (
  organisation_id uuid not null,
  case_id         uuid not null,
  kind            text not null,
  value           text not null,
  open            boolean not null default true,
  primary key (case_id, kind, value),
  foreign key (organisation_id, case_id) references cases (organisation_id, id)
);
-- At most one open case a subject: a second reviewer must not work on the same account unknowingly.
create unique index case_subjects_open on case_subjects (organisation_id, kind, value) where open;
-- Closed cases on a subject are looked up whenever a new one opens.
create index case_subjects_subject on case_subjects (organisation_id, kind, value);

create table case_items (
  organisation_id uuid not null,
  case_id         uuid not null,
  item_id         uuid not null,
  added_at        timestamptz not null,
  primary key (case_id, item_id),
  foreign key (organisation_id, case_id) references cases (organisation_id, id)
);
create index case_items_item on case_items (item_id);

create table verdicts (
  organisation_id uuid not null,
  id              uuid primary key,
  case_id         uuid not null,
  member_id       uuid not null,
  outcome         text not null,
  reason          text not null check (length(trim(reason)) > 0),
  at              timestamptz not null,
  foreign key (organisation_id, case_id) references cases (organisation_id, id),
  foreign key (organisation_id, member_id) references members (organisation_id, id)
);
create index verdicts_case on verdicts (case_id);

create table ledger_events (
  organisation_id uuid not null references organisations,
  position        bigint not null check (position >= 0),
  kind            text not null,
  at              timestamptz not null,
  subject         text not null,
  case_id         uuid,
  salt            bytea,               -- null once the body has been deleted on time
  body            bytea,               -- canonical JSON of the event
  commitment      bytea not null check (octet_length(commitment) = 32),
  primary key (organisation_id, position)
);
create index ledger_events_case on ledger_events (organisation_id, case_id, position)
  where case_id is not null;

create table ledger_tiles (
  organisation_id uuid not null references organisations,
  level           smallint not null,
  number          bigint not null,
  hashes          bytea not null check (octet_length(hashes) between 32 and 8192),
  primary key (organisation_id, level, number)
);

create table ledger_heads (
  organisation_id uuid not null references organisations,
  size            bigint not null,
  root            bytea not null,
  at              timestamptz not null,
  key_id          text not null,
  signature       bytea not null,
  primary key (organisation_id, size)
);

create table vault_objects (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  case_id         uuid not null,
  item_id         uuid not null,
  role            text not null,       -- content | identity
  sha256          bytea not null,
  mime            text not null,
  size            bigint not null,
  path            text not null,
  cover_path      text,
  basis           text not null,       -- the law/ row that allows keeping
  kept_at         timestamptz not null,
  delete_at       timestamptz not null,
  deleted_at      timestamptz,
  unique (organisation_id, id),
  unique (organisation_id, item_id, role)
);

create table vault_uncovers (
  organisation_id uuid not null,
  id              uuid primary key,
  object_id       uuid not null,
  member_id       uuid not null,
  at              timestamptz not null,
  expires_at      timestamptz not null,
  served          integer not null default 0,
  foreign key (organisation_id, object_id) references vault_objects (organisation_id, id),
  foreign key (organisation_id, member_id) references members (organisation_id, id)
);

-- Walls. One policy a table: a row is there only for its own organisation.
do $$
declare tenant text;
begin
  foreach tenant in array array[
    'members', 'sign_in_links', 'member_sessions', 'api_keys', 'lists', 'indicators', 'items',
    'decisions', 'findings', 'cases', 'case_subjects', 'case_items', 'verdicts', 'ledger_events',
    'ledger_tiles', 'ledger_heads', 'vault_objects', 'vault_uncovers'
  ] loop
    execute format('alter table %I enable row level security', tenant);
    execute format(
      'create policy own_organisation on %I to lapwing_app
         using (organisation_id = lapwing_organisation())
         with check (organisation_id = lapwing_organisation())', tenant);
    execute format('grant select, insert, update on %I to lapwing_app', tenant);
  end loop;
end $$;

alter table organisations enable row level security;
create policy own_organisation on organisations to lapwing_app
  using (id = lapwing_organisation()) with check (id = lapwing_organisation());
grant select, insert, update on organisations to lapwing_app;
grant select, update on bank_generation to lapwing_app;
revoke update on findings, decisions, case_items, verdicts, ledger_heads from lapwing_app;
-- Of a ledger row only the personal part may be cleared, when its time has come.
revoke update on ledger_events from lapwing_app;
grant update (salt, body) on ledger_events to lapwing_app;
create function lapwing_only_erase() returns trigger language plpgsql as $$
begin
  if new.salt is not null or new.body is not null then
    raise exception 'the salt and body of a ledger event can only be erased, both together'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger only_erase before update on ledger_events
  for each row execute function lapwing_only_erase();

-- The node's index serves every organisation and filters by list afterwards, so its role reads
-- lists and indicators of all, and nothing else.
create policy node_index on lists for select to lapwing_index using (true);
create policy node_index on indicators for select to lapwing_index using (true);
grant select on lists, indicators, bank_generation to lapwing_index;

-- Before a caller is known there is no organisation to scope by. These answer only to the hash of
-- a secret of 256 random bits, so they cannot be used to list anything.
create function lapwing_key_holder(secret bytea)
  returns table (organisation_id uuid, id uuid)
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select k.organisation_id, k.id from public.api_keys k
     where k.secret_hash = secret and k.revoked_at is null;
  end;
create function lapwing_session_holder(token bytea, now timestamptz)
  returns table (organisation_id uuid, member_id uuid)
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select s.organisation_id, s.member_id from public.member_sessions s
     where s.token_hash = token and s.ended_at is null and s.expires_at > now;
  end;
create function lapwing_link_holder(token bytea, now timestamptz)
  returns table (organisation_id uuid, member_id uuid)
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select l.organisation_id, l.member_id from public.sign_in_links l
     where l.token_hash = token and l.used_at is null and l.expires_at > now;
  end;
revoke all on function lapwing_key_holder, lapwing_session_holder, lapwing_link_holder from public;
grant execute on function lapwing_key_holder, lapwing_session_holder, lapwing_link_holder
  to lapwing_app;
