-- Which hashes are of one picture, so that a hash-list file can be written as it was read, and when
-- its source last changed it. `media` is made from the first hash of the row: equal rows agree on it.
alter table indicators add column media bigint;
alter table indicators add column dated timestamptz;
