-- How members prove who they are, what each may do, and what needs a second one of them.

-- A role gives permissions; these are what one member has beyond it, or lacks of it.
alter table members
  add column granted text[] not null default '{}',
  add column denied  text[] not null default '{}',
  add constraint members_granted_or_denied check (not granted && denied);

-- Who made a link could sign in with it as someone else; a second person let in by the first is none.
alter table sign_in_links
  add column made_by uuid,             -- a member; null is the machine's operator
  add foreign key (organisation_id, made_by) references members (organisation_id, id);

-- A session is of a browser, or a token that a member made for the command line. `id` names it
-- where its owner ends it; `via` is how it began. `stepped_up_at` is the last proof of presence.
alter table member_sessions
  add column id            uuid not null default gen_random_uuid() unique,
  add column kind          text not null default 'browser' check (kind in ('browser', 'token')),
  add column name          text check (name <> ''),
  add column via           text not null default 'link',
  add column last_seen_at  timestamptz,
  add column stepped_up_at timestamptz,
  add column let_in_by     uuid,       -- the member who made the link that it began with
  add foreign key (organisation_id, let_in_by) references members (organisation_id, id),
  add constraint member_sessions_token_named check (kind = 'browser' or name is not null),
  add constraint member_sessions_token_never_steps_up
    check (kind = 'browser' or stepped_up_at is null);
create index member_sessions_member on member_sessions (member_id) where ended_at is null;

create table passkeys (
  organisation_id uuid not null,
  id              uuid primary key,
  member_id       uuid not null,
  credential_id   bytea not null unique check (octet_length(credential_id) between 16 and 1023),
  public_key      bytea not null,      -- COSE key
  sign_count      bigint not null check (sign_count >= 0),
  transports      text[] not null default '{}',
  backed_up       boolean not null,
  name            text not null check (name <> ''),
  created_at      timestamptz not null,
  last_used_at    timestamptz,
  removed_at      timestamptz,
  foreign key (organisation_id, member_id) references members (organisation_id, id)
);
create index passkeys_member on passkeys (member_id) where removed_at is null;

-- A recovery code is a selector, by which its row is found, and a secret that only argon2 sees.
-- Wrong secrets slow down this one code; passkeys, sessions and the other codes go on.
create table recovery_codes (
  organisation_id uuid not null,
  selector        text primary key,
  member_id       uuid not null,
  secret_hash     text not null,
  created_at      timestamptz not null,
  used_at         timestamptz,
  replaced_at     timestamptz,
  failures        integer not null default 0 check (failures >= 0),
  next_try_at     timestamptz,
  foreign key (organisation_id, member_id) references members (organisation_id, id)
);
create index recovery_codes_member on recovery_codes (member_id)
  where used_at is null and replaced_at is null;

-- Failed attempts in a row, so that the ledger gets a count now and then and not a leaf for each.
create table sign_in_failures (
  organisation_id uuid not null,
  member_id       uuid not null,
  method          text not null,
  failures        integer not null check (failures >= 0),
  last_at         timestamptz not null,
  primary key (member_id, method),
  foreign key (organisation_id, member_id) references members (organisation_id, id)
);

-- What leaves the organisation needs a second member. `data` is exactly what both agreed to.
create table confirmations (
  organisation_id uuid not null references organisations,
  id              uuid primary key,
  kind            text not null check (kind <> ''),
  subject         text not null check (subject <> ''),
  basis           text not null check (length(trim(basis)) > 0),
  category        text not null check (length(trim(category)) > 0),
  data            jsonb not null default '{}',
  proposed_by     uuid not null,
  proposed_at     timestamptz not null,
  expires_at      timestamptz not null,
  confirmed_by    uuid,
  confirmed_at    timestamptz,
  refused_by      uuid,
  refused_at      timestamptz,
  withdrawn_by    uuid,
  withdrawn_at    timestamptz,
  why             text,                -- of a refusal or withdrawal
  unique (organisation_id, id),
  foreign key (organisation_id, proposed_by) references members (organisation_id, id),
  foreign key (organisation_id, confirmed_by) references members (organisation_id, id),
  foreign key (organisation_id, refused_by) references members (organisation_id, id),
  foreign key (organisation_id, withdrawn_by) references members (organisation_id, id),
  constraint confirmations_second_person check (confirmed_by <> proposed_by),
  constraint confirmations_one_answer check (confirmed_at is null or refused_at is null),
  constraint confirmations_confirmed check ((confirmed_by is null) = (confirmed_at is null)),
  constraint confirmations_refused check ((refused_by is null) = (refused_at is null)),
  constraint confirmations_withdrawn check ((withdrawn_by is null) = (withdrawn_at is null))
);
create index confirmations_waiting on confirmations (organisation_id, expires_at)
  where confirmed_at is null and refused_at is null and withdrawn_at is null;
create index confirmations_subject on confirmations (organisation_id, kind, subject);

do $$
declare tenant text;
begin
  foreach tenant in array array[
    'passkeys', 'recovery_codes', 'sign_in_failures', 'confirmations'
  ] loop
    execute format('alter table %I enable row level security', tenant);
    execute format(
      'create policy own_organisation on %I to lapwing_app
         using (organisation_id = lapwing_organisation())
         with check (organisation_id = lapwing_organisation())', tenant);
    execute format('grant select, insert on %I to lapwing_app', tenant);
  end loop;
end $$;
grant update (sign_count, backed_up, name, last_used_at, removed_at) on passkeys to lapwing_app;
grant update (used_at, replaced_at, failures, next_try_at) on recovery_codes to lapwing_app;
grant update (failures, last_at) on sign_in_failures to lapwing_app;
-- What was proposed stays as it was; only answers are added.
grant update (confirmed_by, confirmed_at, refused_by, refused_at, withdrawn_by, withdrawn_at, why)
  on confirmations to lapwing_app;
-- An answer stays too: what was confirmed can be withdrawn, never unsaid or given to another.
create function lapwing_answer_once() returns trigger language plpgsql as $$
begin
  if (old.confirmed_at is not null and
        (new.confirmed_at, new.confirmed_by) is distinct from (old.confirmed_at, old.confirmed_by))
     or (old.refused_at is not null and
        (new.refused_at, new.refused_by) is distinct from (old.refused_at, old.refused_by))
     or (old.withdrawn_at is not null and
        (new.withdrawn_at, new.withdrawn_by) is distinct from (old.withdrawn_at, old.withdrawn_by))
     or (old.withdrawn_at is not null and
        (new.confirmed_at, new.refused_at) is distinct from (old.confirmed_at, old.refused_at))
     or (old.confirmed_at is not null and new.refused_at is not null)
     or (old.refused_at is not null and new.confirmed_at is not null)
  then
    raise exception 'an answer to a proposal cannot be changed'
      using errcode = 'restrict_violation';
  end if;
  return new;
end $$;
create trigger answer_once before update on confirmations
  for each row execute function lapwing_answer_once();

-- Before a caller is known. Nothing here is an organisation's: a challenge is kept as a hash, and
-- a bucket's name is a keyed hash whose key lives outside the database and changes every day.
create table challenges (
  digest     bytea primary key check (octet_length(digest) = 32),
  expires_at timestamptz not null
);
create index challenges_expiry on challenges (expires_at);
create table rate_buckets (
  name  bytea primary key check (octet_length(name) = 32),
  level double precision not null,     -- how full, in attempts; it leaks with time
  at    timestamptz not null
);
create index rate_buckets_age on rate_buckets (at);
grant select, insert, delete on challenges to lapwing_app;
grant select, insert, update, delete on rate_buckets to lapwing_app;

-- The credential id of a passkey and the selector of a recovery code are random, but not secret:
-- they find a member, and only a signature or the code's secret then opens anything.
create function lapwing_passkey_holder(credential bytea)
  returns table (organisation_id uuid, member_id uuid)
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select p.organisation_id, p.member_id from public.passkeys p
     where p.credential_id = credential and p.removed_at is null;
  end;
create function lapwing_recovery_holder(code text)
  returns table (organisation_id uuid, member_id uuid)
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select r.organisation_id, r.member_id from public.recovery_codes r
     where r.selector = code and r.used_at is null and r.replaced_at is null;
  end;
-- A link that comes back after its use is worth an entry in its organisation's ledger.
create function lapwing_spent_link_holder(token bytea)
  returns table (organisation_id uuid, member_id uuid)
  language sql stable security definer set search_path = pg_catalog, public
  begin atomic
    select l.organisation_id, l.member_id from public.sign_in_links l
     where l.token_hash = token and l.used_at is not null;
  end;
revoke all on function
  lapwing_passkey_holder, lapwing_recovery_holder, lapwing_spent_link_holder from public;
grant execute on function
  lapwing_passkey_holder, lapwing_recovery_holder, lapwing_spent_link_holder to lapwing_app;
