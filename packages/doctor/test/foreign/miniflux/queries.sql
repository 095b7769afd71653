-- the unread page; calls: 4000
select e.id, e.title, f.title from entries e join feeds f on f.id = e.feed_id where e.user_id = $1 and e.status = 'unread' order by e.published_at desc, e.id desc limit 100;
-- how many are unread; calls: 6000
select count(*) from entries where user_id = $1 and status = 'unread';
-- unread by feed, for the side bar; calls: 3000
select feed_id, count(*) from entries where user_id = $1 and status = 'unread' group by feed_id;
-- is this entry known; calls: 20000
select 1 from entries where feed_id = $1 and hash = $2;
-- starred; calls: 500
select id, title from entries where user_id = $1 and starred order by published_at desc limit 100;
-- the history, last read first; calls: 600
select id, title from entries where user_id = $1 and status = 'read' order by changed_at desc limit 100;
-- search; calls: 300
select id, title from entries where user_id = $1 and document_vectors @@ plainto_tsquery('english', $2) order by published_at desc limit 100;
-- by tag; calls: 150
select id, title from entries where user_id = $1 and tags @> array[$2::text] order by published_at desc limit 50;
-- a shared entry; calls: 200
select id from entries where share_code = $1 and share_code <> '';
-- feeds that are due; calls: 2880
select id, user_id from feeds where not disabled and next_check_at < $1 order by next_check_at limit 100;
-- feeds of a category; calls: 900
select id, title from feeds where user_id = $1 and category_id = $2 order by title;
-- mark a feed as read; calls: 300
update entries set status = 'read', changed_at = now() where user_id = $1 and feed_id = $2 and status = 'unread';
-- remove what is old; calls: 24
update entries set status = 'removed' where id in (select id from entries where status = 'read' and not starred and share_code = '' and created_at < $1 limit 5000);
-- enclosures of a page of entries; calls: 4000
select id, url from enclosures where entry_id = any($1::bigint[]);
-- the newest of a feed; calls: 1000
select id, title from entries where feed_id = $1 and user_id = $2 order by published_at desc limit 100;
