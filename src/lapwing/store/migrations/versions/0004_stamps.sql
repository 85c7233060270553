-- What a time-stamping authority (RFC 3161) said about a head: that it was there at that time.
-- Never changed and never removed, as the heads themselves.
create table ledger_stamps (
  organisation_id uuid not null references organisations,
  size            bigint not null,
  at              timestamptz not null,      -- the authority's time
  authority       text not null,             -- whose certificate signed it
  response        bytea not null check (octet_length(response) between 1 and 65536),
  primary key (organisation_id, size),
  foreign key (organisation_id, size) references ledger_heads
);

alter table ledger_stamps enable row level security;
create policy own_organisation on ledger_stamps to lapwing_app
  using (organisation_id = lapwing_organisation())
  with check (organisation_id = lapwing_organisation());
grant select, insert on ledger_stamps to lapwing_app;
