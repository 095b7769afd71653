-- About scale factor 0.03, with the specification's domains and none of its text grammar.
select setseed(0.42);
insert into region select i, (array['AFRICA','AMERICA','ASIA','EUROPE','MIDDLE EAST'])[i + 1], 'r' from generate_series(0, 4) i;
insert into nation select i, 'NATION ' || i, i % 5, 'n' from generate_series(0, 24) i;
insert into supplier select i, 'Supplier#' || i, 'a' || i, i % 25, '10-' || i, random() * 10000, 'careful'
  from generate_series(1, 300) i;
insert into part select i, (array['almond','azure','forest','green','lace'])[i % 5 + 1] || ' ' || i, 'Manufacturer#' || i % 5 + 1,
  'Brand#' || (i % 5 + 1) || (i % 7 % 5 + 1), (array['ECONOMY','STANDARD','PROMO','SMALL','LARGE','MEDIUM'])[i % 6 + 1] || ' ' ||
  (array['ANODIZED','BURNISHED','PLATED','POLISHED','BRUSHED'])[i % 5 + 1] || ' ' || (array['TIN','NICKEL','BRASS','STEEL','COPPER'])[(i / 7) % 5 + 1],
  i % 50 + 1, (array['SM CASE','MED BOX','LG JAR','JUMBO PKG'])[i % 4 + 1], 900 + i % 1000, 'p' from generate_series(1, 6000) i;
insert into partsupp select p, (p + s * 75) % 300 + 1, (random() * 9999)::int, random() * 1000, 'ps'
  from generate_series(1, 6000) p, generate_series(0, 3) s;
insert into customer select i, 'Customer#' || i, 'a' || i, i % 25, (10 + i % 25) || '-' || i, random() * 11000 - 1000,
  (array['AUTOMOBILE','BUILDING','FURNITURE','MACHINERY','HOUSEHOLD'])[i % 5 + 1], 'c' from generate_series(1, 4500) i;
insert into orders select i, (random() * 4499)::int + 1, (array['F','O','P'])[(random() * 2)::int + 1], random() * 400000,
  date '1992-01-01' + (random() * 2405)::int, (random() * 4 + 1)::int || '-URGENT', 'Clerk#' || i % 30, 0, 'o'
  from generate_series(1, 45000) i;
insert into lineitem select o.o_orderkey, p, (p + (l % 4) * 75) % 300 + 1, l, (random() * 49)::int + 1, random() * 90000, (random() * 10)::int / 100.0,
  (random() * 8)::int / 100.0, (array['A','N','R'])[(random() * 2)::int + 1], (array['F','O'])[(random())::int + 1], ship,
  o.o_orderdate + (random() * 60 + 30)::int, ship + (random() * 29 + 1)::int, (array['DELIVER IN PERSON','COLLECT COD','NONE','TAKE BACK RETURN'])[(random() * 3)::int + 1],
  (array['AIR','MAIL','SHIP','RAIL','TRUCK','FOB','REG AIR'])[(random() * 6)::int + 1], 'l'
  from orders o, lateral (select l, (random() * 5999)::int + 1 as p, o.o_orderdate + (random() * 120 + 1)::int as ship
    from generate_series(1, 1 + (o.o_orderkey % 7)::int) l) x;
analyze;
