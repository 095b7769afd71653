-- a profile's statuses; calls: 5000
select * from statuses where account_id = $1 and deleted_at is null and visibility in (0, 1) order by id desc limit 20;
-- the home timeline, filled from those followed; calls: 800
select id, account_id, reblog_of_id from statuses where account_id in (select target_account_id from follows where account_id = $1) and deleted_at is null order by id desc limit 100;
-- the public timeline of this server; calls: 2000
select id, account_id from statuses where local and visibility = 0 and deleted_at is null and reblog_of_id is null and not reply order by id desc limit 20;
-- an account by its handle, whatever the case; calls: 6000
select * from accounts where lower(username) = lower($1) and lower(domain) = lower($2);
-- a local account; calls: 3000
select * from accounts where lower(username) = lower($1) and domain is null;
-- notifications; calls: 4000
select * from notifications where account_id = $1 and not filtered order by id desc limit 40;
-- notifications of one kind; calls: 500
select * from notifications where account_id = $1 and type in ('mention', 'follow') order by id desc limit 40;
-- a deleted activity takes its notifications along; calls: 900
delete from notifications where activity_id = $1 and activity_type = 'Favourite';
-- a status and what answers it; calls: 3000
select id from statuses where in_reply_to_id = $1 and deleted_at is null order by id;
-- who reblogged; calls: 1500
select account_id from statuses where reblog_of_id = $1;
-- who favoured; calls: 1500
select a.id, a.username from favourites f join accounts a on a.id = f.account_id where f.status_id = $1 order by f.id desc limit 40;
-- one's favourites; calls: 700
select status_id from favourites where account_id = $1 order by id desc limit 20;
-- followers; calls: 1200
select account_id from follows where target_account_id = $1 order by id desc limit 80;
-- mentions of a status; calls: 3000
select account_id from mentions where status_id = $1;
-- a tag's timeline; calls: 900
select s.id from statuses s join statuses_tags t on t.status_id = s.id where t.tag_id = $1 and s.visibility = 0 and s.deleted_at is null order by s.id desc limit 20;
-- the tags of a status; calls: 2500
select t.name from tags t join statuses_tags st on st.tag_id = t.id where st.status_id = $1;
-- a tag by name; calls: 2000
select * from tags where lower(name) = lower($1);
-- tags that begin so; calls: 400
select * from tags where lower(name) like 'tag12%' order by name limit 10;
-- a status by its address; calls: 5000
select * from statuses where uri = $1;
-- media of a status; calls: 3000
select * from media_attachments where status_id = $1 order by id;
-- media that no status took; calls: 10
select id from media_attachments where status_id is null and created_at < $1;
-- accounts of one server; calls: 20
select id from accounts where domain = $1;
