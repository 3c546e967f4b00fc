//! A till that tells the running service what it sold, on all three ways, and through a `kill -9`.

use super::broker::{Broker, Subscriber, wait_until};
use super::{Running, Shop, cameras};
use footfall::ledger::look_aside;
use footfall::time::{Clock, SystemClock};
use footfall::wire::v1::{AnyRecord, Fact, Live, LiveMessage, StoreNow, Transaction};
use rumqttc::{Client, Event, MqttOptions, Packet, QoS};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

const TOPIC: &str = "footfall/v1/acme/berlin-1/box-1/till";
const TOKEN: &str = "the-tills-own-token";

/// A shop with a till: its broker, its HTTP port and its folder.
struct TillShop {
    broker: Broker,
    shop: Shop,
    http: u16,
    /// When everything of this test was sold, UTC ms: what is sent twice has to be the same.
    at_ms: i64,
}

impl TillShop {
    fn open() -> Self {
        let (broker, http) = (Broker::open_to_all(), cameras::free_port());
        let mut shop = Shop::with_clip().on(broker.port);
        shop.more = format!(
            "[site]\ntime_zone = \"Europe/Berlin\"\ncurrency = \"EUR\"\nsees_every_door = true\nleast_coverage = 0\n\
             [site.till]\nmqtt = true\n[site.till.http]\nlisten = \"127.0.0.1:{http}\"\ntoken_file = \"token\"\n\
             [site.till.folder]\npath = \"till\"\npoll_every = \"500ms\"\nsettle = \"1s\"\ntimes = \"unix_ms\"\n\
             [site.till.folder.columns]\nid = \"id\"\nat = \"at\"\namount = \"amount\"\n"
        );
        let token = shop.folder.path().join("token");
        std::fs::write(&token, TOKEN).unwrap();
        std::fs::set_permissions(&token, PermissionsExt::from_mode(0o600)).unwrap();
        std::fs::create_dir(shop.folder.path().join("till")).unwrap();
        let at_ms = SystemClock::start().now().wall.unix_ms();
        Self { broker, shop, http, at_ms }
    }

    fn sale(&self, id: &str, amount: &str) -> String {
        format!(r#"{{"id":"{id}","at_ms":{},"what":"sale","amount":"{amount}"}}"#, self.at_ms)
    }

    /// Publishes a message, and waits until the broker has it.
    fn publish(&self, payload: &str) {
        let mut options =
            MqttOptions::new(format!("till-{}", cameras::free_port()), "127.0.0.1", self.broker.port);
        options.set_max_packet_size(1024 * 1024, 1024 * 1024);
        let (client, mut connection) = Client::new(options, 4);
        client.publish(TOPIC, QoS::AtLeastOnce, false, payload).unwrap();
        connection
            .iter()
            .find(|event| matches!(event, Ok(Event::Incoming(Packet::PubAck(_)))))
            .unwrap()
            .unwrap();
    }

    /// Sells `m1` over the broker. Nobody tells a till when the box has subscribed, so it sends until somebody has it.
    fn sell_until_heard(&self, subscriber: &Subscriber) {
        let clock = SystemClock::start();
        let mut sent_at = None;
        wait_until("the sale over the broker arrives", || {
            let now = clock.now().elapsed;
            if sent_at.is_none_or(|at| now > at + Duration::from_secs(1)) {
                self.publish(&self.sale("m1", "1.00"));
                sent_at = Some(now);
            }
            sold(subscriber).contains_key("m1")
        });
    }

    /// Posts a message; the answer's status and its body.
    fn post(&self, payload: &str) -> (u16, serde_json::Value) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).unwrap();
        let request = format!(
            "POST /v1/till HTTP/1.1\r\nHost: box\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{payload}",
            payload.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap())
    }

    /// Puts a file into the folder, as a careful till does.
    fn put_file(&self, name: &str, rows: &[(&str, &str)]) {
        let row = |(id, amount): &(&str, &str)| format!("{id},{},{amount}\n", self.at_ms);
        let text = "id,at,amount\n".to_owned() + &rows.iter().map(row).collect::<String>();
        let folder = self.shop.folder.path().join("till");
        let unfinished = folder.join(format!("{name}.part"));
        std::fs::write(&unfinished, text).unwrap();
        std::fs::rename(unfinished, folder.join(name)).unwrap();
    }

    fn has_file(&self, path: &str) -> bool {
        self.shop.folder.path().join("till").join(path).exists()
    }

    /// Starts the service, and waits until all three ways in are open.
    fn start(&self) -> Running {
        let service = self.shop.start();
        wait_until("the till may send", || TcpStream::connect(("127.0.0.1", self.http)).is_ok());
        service
    }

    /// The reasons for which rows were put aside, and the ways on which they came, the newest first.
    fn aside(&self) -> Vec<(String, String)> {
        let rows = look_aside(&self.shop.folder.path().join("ledger.sqlite"), 100).unwrap();
        rows.into_iter().map(|row| (row.reason, row.feed)).collect()
    }
}

/// Each fact about the till that arrived, by its number in the outbox.
fn told(subscriber: &Subscriber) -> BTreeMap<u64, Fact> {
    let mut told = BTreeMap::new();
    for record in subscriber.batches().into_iter().flat_map(|batch| batch.records) {
        let AnyRecord::Known(record) = record else { continue };
        if matches!(record.fact, Fact::Transaction(_) | Fact::TillRejected(_)) {
            let before = told.insert(record.seq, record.fact.clone());
            assert!(before.is_none_or(|before| before == record.fact), "a number stands for one record");
        }
    }
    told
}

/// The transactions that arrived, each once; a copy has to be one.
fn sold(subscriber: &Subscriber) -> BTreeMap<String, Transaction> {
    let mut sold: BTreeMap<String, Transaction> = BTreeMap::new();
    for fact in told(subscriber).into_values() {
        let Fact::Transaction(transaction) = fact else { continue };
        let before = sold.insert(transaction.id.clone(), transaction.clone());
        assert!(
            before.is_none_or(|before| before == transaction),
            "{transaction:?} came with another content"
        );
    }
    sold
}

/// What was sold, in short: id, cents and the way on which it came.
fn in_short(subscriber: &Subscriber) -> Vec<(String, i64, String)> {
    sold(subscriber).into_values().map(|sale| (sale.id, sale.amount_minor, sale.feed)).collect()
}

fn store_now(subscriber: &Subscriber) -> Option<StoreNow> {
    let last = subscriber.heard("/live").into_iter().rev().find_map(|heard| {
        let message: LiveMessage = serde_json::from_slice(&heard.payload).unwrap();
        match message.live {
            Live::Now(now) => Some(now.store),
            Live::Crossing(_) => None,
        }
    });
    last.flatten()
}

fn expected(sales: &[(&str, i64, &str)]) -> Vec<(String, i64, String)> {
    sales.iter().map(|(id, minor, feed)| ((*id).to_owned(), *minor, (*feed).to_owned())).collect()
}

#[test]
fn what_a_till_tells_on_three_ways_comes_out_once_and_what_is_wrong_is_put_aside() {
    let till = TillShop::open();
    let subscriber = Subscriber::to_all(till.broker.port);
    let service = till.start();
    till.sell_until_heard(&subscriber);
    let (status, answer) = till.post(&till.sale("h1", "2.50"));
    assert_eq!((status, &answer["accepted"]), (200, &1.into()), "{answer}");
    // The same one on another way, and one that is written wrongly.
    let (status, answer) =
        till.post(&format!("[{},{}]", till.sale("m1", "1.00"), till.sale("h2", "1,000.00")));
    assert_eq!(
        (status, &answer["duplicates"], &answer["put_aside"]),
        (200, &1.into(), &1.into()),
        "{answer}"
    );
    till.put_file("morning.csv", &[("f1", "4.00"), ("h1", "2.50"), ("f2", "four"), ("m1", "7.00")]);
    wait_until("the file is done with", || till.has_file("done/morning.csv"));
    wait_until("the sale in the file arrives", || sold(&subscriber).contains_key("f1"));
    let reasons = std::fs::read_to_string(till.shop.folder.path().join("till/aside/morning.csv")).unwrap();
    wait_until("the store is shown with its sales", || {
        store_now(&subscriber).is_some_and(|store| store.transactions == Some(3))
    });
    let store = store_now(&subscriber).unwrap();
    assert!(service.stop().success());

    assert_eq!(
        in_short(&subscriber),
        expected(&[("f1", 400, "folder"), ("h1", 250, "http"), ("m1", 100, "mqtt")])
    );
    let copies = told(&subscriber).into_values().filter(|fact| matches!(fact, Fact::Transaction(_))).count();
    assert_eq!(copies, 3, "nothing was sent twice");
    assert_eq!((store.amount_minor, store.aside, store.currency.as_deref()), (Some(750), 3, Some("EUR")));
    let put_aside: BTreeMap<String, BTreeMap<String, u64>> = told(&subscriber)
        .into_values()
        .filter_map(|fact| match fact {
            Fact::TillRejected(rejected) => Some((rejected.feed, rejected.reasons)),
            _ => None,
        })
        .collect();
    let one = |reason: &str| (reason.to_owned(), 1);
    let both = BTreeMap::from([one("amount"), one("id_reused")]);
    let all = [("folder".to_owned(), both), ("http".to_owned(), BTreeMap::from([one("amount")]))];
    assert_eq!(put_aside, BTreeMap::from(all));
    let listed = [("amount", "folder"), ("amount", "http"), ("id_reused", "folder")]
        .map(|(a, b)| (a.to_owned(), b.to_owned()));
    let mut aside = till.aside();
    aside.sort();
    assert_eq!(aside, listed);
    assert!(reasons.starts_with("row,reason\n") && reasons.contains("four"), "{reasons}");
}

#[test]
fn what_the_box_said_it_has_survives_a_kill_and_what_was_sold_meanwhile_follows() {
    let till = TillShop::open();
    let subscriber = Subscriber::to_all(till.broker.port);
    let service = till.start();
    till.sell_until_heard(&subscriber);
    assert_eq!(till.post(&till.sale("h1", "2.50")).0, 200);
    // The answer says that it is on disk, whatever comes next.
    service.kill();
    till.publish(&till.sale("m2", "3.00"));
    till.put_file("noon.csv", &[("h1", "2.50"), ("f1", "4.00")]);

    let service = till.start();
    let everything = [("f1", 400, "folder"), ("h1", 250, "http"), ("m1", 100, "mqtt"), ("m2", 300, "mqtt")];
    wait_until("everything has arrived", || in_short(&subscriber) == expected(&everything));
    let (status, answer) = till.post(&format!("[{},{}]", till.sale("m1", "1.00"), till.sale("h1", "9.00")));
    assert_eq!(
        (status, &answer["duplicates"], &answer["put_aside"]),
        (200, &1.into(), &1.into()),
        "{answer}"
    );
    wait_until("the day is whole", || {
        store_now(&subscriber).is_some_and(|store| (store.transactions, store.aside) == (Some(4), 1))
    });
    assert!(service.stop().success());
    assert_eq!(in_short(&subscriber), expected(&everything), "an id that was used is no second sale");
    assert_eq!(till.aside(), [("id_reused".to_owned(), "http".to_owned())]);
}
