use super::*;
use crate::hq::register;

const CHAIN: &str = r#"
[[tenant]]
id = "acme"
title = "Acme"
[[store]]
id = "vienna"
title = "Vienna"
currency = "EUR"
time_zone = "Europe/Vienna"
[[store]]
id = "tokyo"
title = "Tokyo"
currency = "JPY"
time_zone = "Asia/Tokyo"
"#;

/// 2026-11-22 18:00 UTC.
fn now() -> WallTime {
    WallTime::from_unix_ms(1_795_370_400_000)
}

struct Chain {
    _folder: tempfile::TempDir,
    store: Store,
}

impl Chain {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("hq.sqlite")).unwrap();
        register::apply(CHAIN, &store, now()).unwrap();
        Self { _folder: folder, store }
    }

    fn send(&self, feed: Feed, text: &str) -> String {
        let format = if text.trim_start().starts_with(['[', '{']) { Format::Json } else { Format::Csv };
        let sent = Sent { tenant: "acme", feed, format, bytes: text.as_bytes(), way: Way::Http };
        let Receipt { put, aside, .. } = take(&sent, &Anything, &self.store, now()).unwrap();
        let mut shown = format!("{} new, {} same, {} replaced", put.accepted, put.duplicates, put.replaced);
        for rejected in &aside {
            shown.push_str(&format!("; row {}: {}", rejected.row, rejected.fault));
        }
        shown
    }

    /// One text for each row of an answer.
    fn ask(&self, sql: &str) -> Vec<String> {
        let text = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        self.store.read(|ask| ask.prepare(sql)?.query_map([], text)?.collect()).unwrap()
    }

    /// Hours of stores: local hour, transactions, sales, refunds, units, minutes on duty.
    fn hours(&self) -> Vec<String> {
        self.ask(
            "SELECT name || ' ' || local_hour || 'h ' || coalesce(transactions, '-') || ' ' || coalesce(sales_minor, '-') || ' '
               || coalesce(refunds_minor, '-') || ' ' || coalesce(units, '-') || ' ' || coalesce(on_duty_ms / 60000, '-')
             FROM store_hour JOIN store USING (store_id)
             WHERE transactions IS NOT NULL OR on_duty_ms IS NOT NULL ORDER BY name, hour",
        )
    }
}

/// Sends feeds one after the other and shows the last receipt, then the hours.
#[track_caller]
fn check(feeds: &[(Feed, &str)], receipt: &str, hours: &[&str]) {
    let chain = Chain::new();
    let last = feeds.iter().map(|(feed, text)| chain.send(*feed, text)).last().unwrap_or_default();
    assert_eq!(last, receipt);
    assert_eq!(chain.hours(), hours);
}

const SALE: &str =
    r#"[{"store":"vienna","id":"1","at":"2026-11-22T14:05:00","what":"sale","amount":"12.50","units":2}]"#;

#[test]
fn sales_of_many_stores_in_one_csv_are_read_with_each_stores_currency_and_clock() {
    check(
        &[(
            Feed::Sales,
            "store,id,at,what,amount,units\n\
             vienna,1,2026-11-22T14:05:00,sale,12.50,2\n\
             tokyo,1,2026-11-22T14:05:00,sale,1200,1\n\
             vienna,2,2026-11-22T14:50:00,refund,2.50,\n\
             tokyo,2,2026-11-22T14:06:00,sale,12.50,1\n\
             paris,3,2026-11-22T14:06:00,sale,1,1\n",
        )],
        "3 new, 0 same, 0 replaced; row 5: amount: \"12.50\" has more than 0 digits after the mark; \
         row 6: shape: there is no store \"paris\" in the register, or not for this sender",
        &["tokyo 14h 1 1200 0 1 -", "vienna 14h 1 1250 250 2 -"],
    );
}

#[test]
fn a_transaction_that_comes_again_counts_once() {
    check(
        &[(Feed::Sales, SALE), (Feed::Sales, SALE)],
        "0 new, 1 same, 0 replaced",
        &["vienna 14h 1 1250 0 2 -"],
    );
}

#[test]
fn a_correction_replaces_also_where_it_moves_to_another_hour() {
    let corrected = SALE.replace("14:05", "13:05").replace("12.50", "10.00");
    check(
        &[(Feed::Sales, SALE), (Feed::Sales, &corrected)],
        "0 new, 0 same, 1 replaced",
        &["vienna 13h 1 1000 0 2 -"],
    );
}

#[test]
fn a_void_takes_back_its_sale_whichever_of_them_comes_first() {
    let void =
        r#"{"store":"vienna","id":"9","at":"2026-11-22T15:10:00","what":"void","amount":"0","voids":"1"}"#;
    let hours = ["vienna 14h 0 0 0 0 -", "vienna 15h 0 0 0 0 -"];
    check(&[(Feed::Sales, SALE), (Feed::Sales, void)], "1 new, 0 same, 0 replaced", &hours);
    check(&[(Feed::Sales, void), (Feed::Sales, SALE)], "1 new, 0 same, 0 replaced", &hours);
}

#[test]
fn what_was_sold_by_item_is_net_of_refunds_and_without_what_was_voided() {
    let chain = Chain::new();
    chain.send(
        Feed::Sales,
        "store,id,at,what,amount,item,category,quantity,voids\n\
         vienna,1,2026-11-22T10:00:00,sale,20.00,A-17,shoes,2,\n\
         vienna,1,2026-11-22T10:00:00,sale,5.00,B-2,socks,1,\n\
         vienna,2,2026-11-22T11:00:00,sale,10.00,A-17,shoes,1,\n\
         vienna,3,2026-11-22T12:00:00,refund,10.00,A-17,shoes,1,\n\
         vienna,4,2026-11-22T12:00:00,sale,99.00,A-17,shoes,9,\n\
         vienna,5,2026-11-22T12:01:00,void,0,,,1,4\n",
    );
    let items = "SELECT category || '/' || item || ' ' || transactions || ' ' || quantity_milli || ' ' || amount_minor
                 FROM item_day ORDER BY 1";
    assert_eq!(chain.ask(items), ["shoes/A-17 2 2000 2000", "socks/B-2 1 1000 500"]);
}

#[test]
fn a_web_order_is_in_no_stores_figures_also_where_it_is_picked_up_there() {
    let orders = r#"[{"store":"vienna","currency":"EUR","id":"w1","at":"2026-11-22T10:00:00Z","what":"sale","amount":"80.00"},
                     {"currency":"JPY","id":"w2","at":"2026-11-22T10:00:00Z","what":"sale","amount":"900"},
                     {"id":"w3","at":"2026-11-22T10:00:00Z","what":"sale","amount":"900"}]"#;
    check(
        &[(Feed::Orders, orders)],
        "2 new, 0 same, 0 replaced; row 3: currency: \"\" is no currency; write three capitals such as \"EUR\" (ISO 4217)",
        &[],
    );
}

#[test]
fn shifts_are_spread_over_the_hours_that_they_reach_into_and_replaced_by_their_id() {
    let shift = "store,id,from,to,heads\nvienna,early,2026-11-22T09:00:00,2026-11-22T10:30:00,2\n";
    let later = "store,id,from,to,heads\nvienna,early,2026-11-22T10:00:00,2026-11-22T11:00:00,1\n";
    check(
        &[(Feed::Staffing, shift)],
        "1 new, 0 same, 0 replaced",
        &["vienna 9h - - - - 120", "vienna 10h - - - - 60"],
    );
    check(
        &[(Feed::Staffing, shift), (Feed::Staffing, later)],
        "0 new, 0 same, 1 replaced",
        &["vienna 10h - - - - 60"],
    );
}

#[test]
fn a_row_that_is_put_aside_has_its_number_and_is_kept_to_be_shown() {
    let chain = Chain::new();
    let receipt = chain.send(
        Feed::Sales,
        "store,id,at,amount\nvienna,1,2026-11-22T14:05:00,1.00\nvienna,2,gestern,1.00\n,3,2026-11-22T14:05:00,1.00\nvienna,4\n",
    );
    assert_eq!(
        receipt,
        "1 new, 0 same, 0 replaced; row 3: time: \"gestern\" is not a time as it was said to be written; \
         row 4: shape: there is no \"store\"; say which store it is of; row 5: columns: 2 fields where the first row has 4"
    );
    assert_eq!(chain.ask("SELECT DISTINCT topic FROM aside"), ["footfall/v1/acme/hq/sales"]);
    assert_eq!(chain.ask("SELECT reason FROM aside").len(), 3);
}

#[test]
fn a_sender_reaches_only_the_stores_that_are_his() {
    struct OnlyOne;
    impl MaySend for OnlyOne {
        fn whole(&self, _: i64) -> bool {
            false
        }
        fn store(&self, _: i64, _: Option<i64>, store_id: i64) -> bool {
            store_id == 1
        }
    }
    let chain = Chain::new();
    let bytes = SALE.replace("vienna", "tokyo");
    let sent =
        |feed| Sent { tenant: "acme", feed, format: Format::Json, bytes: bytes.as_bytes(), way: Way::Http };
    let receipt = take(&sent(Feed::Sales), &OnlyOne, &chain.store, now()).unwrap();
    assert!(receipt.is_refused() && receipt.aside[0].fault.words.ends_with("or not for this sender"));
    assert!(take(&sent(Feed::Orders), &OnlyOne, &chain.store, now()).unwrap().is_refused());
    assert_eq!(chain.hours(), [""; 0]);
}

#[test]
fn a_message_is_known_by_its_topic() {
    assert_eq!(of_topic("footfall/v1/acme/hq/sales"), Some(("acme", Feed::Sales)));
    for topic in
        ["footfall/v1/acme/hq/till", "footfall/v1/acme/berlin/hq/sales", "footfall/v1/acme/box/records", "x"]
    {
        assert_eq!(of_topic(topic), None, "{topic}");
    }
    let chain = Chain::new();
    let receipt = take_message(("acme", Feed::Sales), SALE.as_bytes(), &chain.store, now()).unwrap();
    assert_eq!(receipt.put.accepted, 1);
    let unknown = take_message(("nobody", Feed::Sales), b"[]", &chain.store, now()).unwrap_err();
    assert_eq!(unknown.to_string(), "there is no tenant \"nobody\" in the register");
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_row_of_a_feed_is_taken_or_put_aside_with_its_number(
            rows in prop::collection::vec((0_usize..3, 0_i64..3_000, prop::bool::ANY), 1..30)
        ) {
            let names = ["vienna", "tokyo", "paris"];
            let mut text = "store,id,at,amount\n".to_owned();
            for (number, (store, amount, good)) in rows.iter().enumerate() {
                let at = if *good { "2026-11-22T10:00:00" } else { "never" };
                text.push_str(&format!("{},{number},{at},{amount}\n", names[*store]));
            }
            let chain = Chain::new();
            let sent = Sent { tenant: "acme", feed: Feed::Sales, format: Format::Csv, bytes: text.as_bytes(), way: Way::File };
            let receipt = take(&sent, &Anything, &chain.store, now()).unwrap();
            let bad: Vec<u64> = rows.iter().zip(2_u64..).filter(|((store, _, good), _)| *store == 2 || !good)
                .map(|(_, row)| row).collect();
            let aside: Vec<u64> = receipt.aside.iter().map(|rejected| rejected.row).collect();
            prop_assert_eq!(receipt.put.accepted, (rows.len() - bad.len()) as u64);
            prop_assert_eq!(aside, bad);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(prop::num::u8::ANY, 0..200), feed in 0_usize..3) {
            let chain = Chain::new();
            drop(take_message(("acme", Feed::ALL[feed]), &bytes, &chain.store, now()).unwrap());
        }
    }
}
