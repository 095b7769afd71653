select setseed(0.42);
insert into accounts (username, domain, created_at) select 'User' || i, case when i % 20 > 0 then 'host' || i % 300 || '.example' end,
  timestamp '2020-01-01' + i * interval '1 hour' from generate_series(1, 20000) i;
insert into statuses (uri, text, account_id, in_reply_to_id, in_reply_to_account_id, visibility, local, reply, language, deleted_at, created_at, updated_at)
  select 'https://host/' || i, repeat('word ', 20), (20000 * random() ^ 3)::int % 20000 + 1, null, null, case when random() < 0.8 then 0 else 3 end,
  random() < 0.05, false, (array['en','de','ja','fr'])[(random() * 3)::int + 1], case when random() < 0.02 then timestamp '2024-01-01' end,
  timestamp '2023-01-01' + i * interval '1 minute', timestamp '2023-01-01' + i * interval '1 minute' from generate_series(1, 150000) i;
update statuses set in_reply_to_id = id - 5, reply = true where id % 3 = 0 and id > 10;
update statuses set reblog_of_id = id - 7 where id % 10 = 1 and id > 10;
insert into follows (account_id, target_account_id, created_at) select distinct on (a, b) a, b, timestamp '2023-01-01' from (
  select (random() * 19999)::int + 1 a, (20000 * random() ^ 3)::int % 20000 + 1 b from generate_series(1, 100000)) x;
insert into favourites (account_id, status_id, created_at) select distinct on (a, s) a, s, timestamp '2023-01-01' + s * interval '1 minute' from (
  select (random() * 19999)::int + 1 a, (random() * 149999)::int + 1 s from generate_series(1, 120000)) x;
insert into mentions (status_id, account_id) select distinct s, a from (select (random() * 149999)::int + 1 s, (random() * 19999)::int + 1 a from generate_series(1, 60000)) x;
insert into notifications (activity_id, activity_type, account_id, from_account_id, type, created_at) select i, (array['Favourite','Mention','Follow'])[i % 3 + 1],
  (random() * 19999)::int + 1, (random() * 19999)::int + 1, (array['favourite','mention','follow'])[i % 3 + 1], timestamp '2023-01-01' + i * interval '1 minute'
  from generate_series(1, 120000) i;
insert into tags (name, created_at) select 'tag' || i, timestamp '2023-01-01' from generate_series(1, 5000) i;
insert into statuses_tags select distinct s, (5000 * random() ^ 2)::int % 5000 + 1 from (select (random() * 149999)::int + 1 s from generate_series(1, 60000)) x;
insert into media_attachments (status_id, account_id, file_name, created_at) select case when i % 50 > 0 then i * 3 % 150000 + 1 end, i % 20000 + 1, 'f', timestamp '2023-01-01' from generate_series(1, 40000) i;
vacuum analyze;
