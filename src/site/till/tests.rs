use super::*;
use crate::calendar::WrittenTime;
use proptest::prelude::*;

fn now() -> WallTime {
    Zone::utc().parse_time("2026-11-22T15:00:00Z", &WrittenTime::Iso).unwrap()
}

fn settings() -> FeedSettings {
    FeedSettings {
        zone: Zone::parse("Europe/Vienna").unwrap(),
        currency: "EUR".to_owned(),
        decimals: 2,
        oldest: Duration::from_secs(40 * 86_400),
    }
}

fn named(name: &str) -> Column {
    Column::Named(name.to_owned())
}

fn mapping(rows: CsvRows) -> CsvMapping {
    CsvMapping {
        rows,
        columns: CsvColumns {
            id: named("Bon"),
            at: named("Zeit"),
            time: None,
            amount: named("Summe"),
            what: Some(named("Art")),
            quantity: Some(named("Menge")),
            item: None,
            category: None,
            channel: None,
            voids: None,
            currency: None,
        },
        delimiter: b';',
        decimal_mark: DecimalMark::Comma,
        times: WrittenTime::Pattern("%d.%m.%Y %H:%M".to_owned()),
        encoding: Encoding::Utf8,
        words: KindWords::default(),
    }
}

/// An intake as a person reads it.
fn shown(intake: &Intake) -> String {
    let one = |(row, t): &(u64, Transaction)| {
        let units = t.units().map_or(String::new(), |units| format!(" {units} units"));
        let voids = t.voids.as_ref().map_or(String::new(), |id| format!(" of {id}"));
        format!("{row}: {} {} {} at {}{units}{voids}", t.what.name(), t.id, t.amount_minor, t.at)
    };
    let aside = |r: &Rejected| format!("{}: aside, {}", r.row, r.fault);
    intake
        .transactions
        .iter()
        .map(one)
        .chain(intake.rejected.iter().map(aside))
        .collect::<Vec<_>>()
        .join("\n")
}

#[track_caller]
fn check_json(text: &str, expected: &str) {
    let intake = read(text.as_bytes(), "http", &FeedFormat::Json, &settings(), now());
    assert_eq!(shown(&intake), expected);
}

#[track_caller]
fn check_csv(bytes: &[u8], mapping: CsvMapping, expected: &str) {
    let intake = read(bytes, "day.csv", &FeedFormat::Csv(Box::new(mapping)), &settings(), now());
    assert_eq!(shown(&intake), expected);
}

/// One JSON transaction with one field put in the place of another.
fn with(from: &str, to: &str) -> String {
    let sound = r#"{"id":"7","at":"2026-11-22T12:00:00Z","what":"sale","amount":"12.50"}"#;
    assert!(sound.contains(from), "{from}");
    sound.replace(from, to)
}

#[test]
fn a_transaction_a_list_and_one_a_line_are_read_alike() {
    let (a, b) = (with("7", "a"), with("7", "b"));
    let expected = "1: sale a 1250 at 2026-11-22T12:00:00Z\n2: sale b 1250 at 2026-11-22T12:00:00Z";
    check_json(&format!("[{a},{b}]"), expected);
    check_json(&format!("{a}\r\n{b}\n"), expected);
    check_json(&a.replace(',', ",\n"), "1: sale a 1250 at 2026-11-22T12:00:00Z");
}

#[test]
fn units_are_counted_from_lines_where_what_is_weighed_is_one() {
    let lines = r#""amount":19.98,"lines":[{"item":4711,"quantity":2,"amount":9.99},
        {"category":"fruit","quantity":0.453,"amount":"9.99"},{"item":"deposit","quantity":-1,"amount":0}]"#;
    check_json(&with(r#""amount":"12.50""#, lines), "1: sale 7 1998 at 2026-11-22T12:00:00Z 3 units");
}

#[test]
fn what_is_given_back_is_taken_with_either_sign() {
    for amount in ["12.50", "-12.50"] {
        let refund = with("sale", "refund").replace("12.50", amount);
        check_json(&refund, "1: refund 7 1250 at 2026-11-22T12:00:00Z");
    }
}

#[test]
fn a_void_names_what_it_takes_back() {
    let void = with(r#""sale""#, r#""void","voids":"6""#);
    check_json(&void, "1: void 7 1250 at 2026-11-22T12:00:00Z of 6");
    let sale = with(r#""sale""#, r#""sale","voids":"6""#);
    check_json(&sale, "1: aside, contradiction: a sale names a transaction that it voids");
}

#[test]
fn bad_json_is_put_aside_with_its_reason_and_the_rest_is_kept() {
    #[track_caller]
    fn check(text: &str, reason: &str) {
        let intake = read(text.as_bytes(), "mqtt", &FeedFormat::Json, &settings(), now());
        let reasons: Vec<_> = intake.rejected_by_reason.keys().map(|reason| reason.name()).collect();
        assert_eq!((reasons.as_slice(), intake.transactions.len()), ([reason].as_slice(), 0), "{text}");
    }
    check("{", "shape");
    check("7", "shape");
    check(&"[".repeat(10_000), "shape");
    check(r#"{"id":"1"}"#, "shape");
    check(&with("\"7\"", "\"\""), "id");
    check(&with("\"7\"", "null"), "shape");
    check(&with("\"7\"", "[7]"), "id");
    check(&with("\"7\"", &format!("{:?}", "x".repeat(129))), "id");
    check(&with("2026-11-22T12:00:00Z", "2026-11-22T15:05:01Z"), "future");
    check(&with("2026-11-22T12:00:00Z", "2026-10-01T12:00:00Z"), "too_old");
    check(&with("2026-11-22T12:00:00Z", "22.11.2026"), "time");
    check(&with("sale", "Sale"), "kind");
    check(&with("12.50", "-12.50"), "negative");
    check(&with("12.50", "1,234.50"), "amount");
    check(&with("12.50", "12.505"), "amount");
    check(&with("\"12.50\"", "1e3"), "amount");
    check(&with("\"12.50\"", "\"12.50\",\"currency\":\"USD\""), "currency");
    check(&with("\"12.50\"", "1,\"lines\":[{\"quantity\":\"two\",\"amount\":1}]"), "quantity");
    check(&with("\"12.50\"", "1,\"channel\":\"a\\u0000\""), "text");
    let mixed = format!("{}\nnot json\n{}", with("7", "a"), with("7", "b"));
    check_json(
        &mixed,
        "1: sale a 1250 at 2026-11-22T12:00:00Z\n3: sale b 1250 at 2026-11-22T12:00:00Z\n\
         2: aside, shape: expected ident at line 1 column 2",
    );
}

#[test]
fn an_empty_list_is_a_sign_of_life_and_an_empty_text_is_not() {
    let alive = |text: &[u8]| read(text, "http", &FeedFormat::Json, &settings(), now()).is_sign_of_life;
    assert!(alive(b" [] ") && !alive(b"") && !alive(b"[{}]"));
}

#[test]
fn rows_are_transactions_by_the_columns_that_are_named() {
    check_csv(
        "Menge;Bon;Zeit;Summe;Art\n3;A1;22.11.2026 13:00;1234,50;sale\n;A2;22.11.2026 13:01;5,00;refund\n"
            .as_bytes(),
        mapping(CsvRows::Transactions),
        "2: sale A1 123450 at 2026-11-22T12:00:00Z 3 units\n3: refund A2 500 at 2026-11-22T12:01:00Z",
    );
}

#[test]
fn rows_of_one_id_are_lines_of_one_transaction() {
    check_csv(
        b"Bon;Zeit;Art;Menge;Summe\n1;22.11.2026 13:00;sale;2;4,00\n2;22.11.2026 13:00;sale;;1,00\n1;22.11.2026 13:00;sale;1;-0,50\n",
        mapping(CsvRows::Lines),
        "2: sale 1 350 at 2026-11-22T12:00:00Z 3 units\n3: sale 2 100 at 2026-11-22T12:00:00Z 1 units",
    );
}

#[test]
fn half_a_basket_is_no_basket() {
    check_csv(
        b"Bon;Zeit;Art;Menge;Summe\n1;22.11.2026 13:00;sale;2;4,00\n1;22.11.2026 13:00;sale;1;EUR 3\n2;22.11.2026 13:00;sale;1;1\n2;22.11.2026 13:05;sale;1;1\n",
        mapping(CsvRows::Lines),
        "2: aside, partner: another row of this id was put aside\n\
         3: aside, amount: \"EUR 3\" is no number with the decimal mark that was set; nothing may group its digits\n\
         4: aside, contradiction: rows of this id differ in time, kind, channel or what they void\n\
         5: aside, contradiction: rows of this id differ in time, kind, channel or what they void",
    );
}

#[test]
fn wrong_columns_and_stray_commas_are_put_aside() {
    let plain = || mapping(CsvRows::Transactions);
    let missing = "0: aside, columns: there is no column \"Bon\" in the first row";
    check_csv(b"Bon,Zeit,Summe\n1,2,3\n", plain(), missing);
    let point = CsvMapping { delimiter: b',', decimal_mark: DecimalMark::Point, ..plain() };
    check_csv(
        b"Bon,Zeit,Art,Menge,Summe\n1,22.11.2026 13:00,sale,1,1,234.50\n2,22.11.2026 13:00,sale,1,\"1,234.50\"\n",
        point,
        "2: aside, columns: 6 fields where the first row has 5\n\
         3: aside, amount: \"1,234.50\" is no number with the decimal mark that was set; nothing may group its digits",
    );
}

#[test]
fn a_time_that_the_clock_never_showed_is_put_aside() {
    check_csv(
        b"Bon;Zeit;Art;Menge;Summe\n1;22.11.2026;sale;1;1\n",
        mapping(CsvRows::Transactions),
        "2: aside, time: \"22.11.2026\" is not a time as it was said to be written",
    );
}

#[test]
fn the_encoding_is_the_one_that_was_set_and_another_one_shows() {
    let text = "Bon;Zeit;Art;Menge;Summe\nMüller-1;22.11.2026 13:00;sale;1;1\n";
    let in_encoding = |encoding| CsvMapping { encoding, ..mapping(CsvRows::Transactions) };
    let fine = "2: sale Müller-1 100 at 2026-11-22T12:00:00Z 1 units";
    check_csv(format!("\u{feff}{text}").as_bytes(), in_encoding(Encoding::Utf8), fine);
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    check_csv(&latin, in_encoding(Encoding::Windows1252), fine);
    check_csv(
        &latin,
        in_encoding(Encoding::Utf8),
        "2: aside, encoding: it is not in the encoding that was set",
    );
    for (mark, bytes) in
        [([0xff, 0xfe], u16::to_le_bytes as fn(u16) -> [u8; 2]), ([0xfe, 0xff], u16::to_be_bytes)]
    {
        let wide: Vec<u8> = mark.into_iter().chain(text.encode_utf16().flat_map(bytes)).collect();
        check_csv(&wide, in_encoding(Encoding::Utf16), fine);
        let intake =
            read(&wide, "f", &FeedFormat::Csv(Box::new(in_encoding(Encoding::Utf8))), &settings(), now());
        assert!(intake.transactions.is_empty() && intake.rejected_rows() == 1);
    }
}

#[test]
fn columns_may_have_numbers_and_date_and_time_columns_of_their_own() {
    let numbered = CsvMapping {
        columns: CsvColumns {
            id: Column::Number(1),
            at: Column::Number(2),
            time: Some(Column::Number(3)),
            amount: Column::Number(4),
            what: None,
            quantity: None,
            ..mapping(CsvRows::Transactions).columns
        },
        ..mapping(CsvRows::Transactions)
    };
    check_csv(b"9;22.11.2026;13:00;7,00\n", numbered.clone(), "1: sale 9 700 at 2026-11-22T12:00:00Z");
    check_csv(b"9;22.11.2026\n", numbered, "0: aside, columns: there is no column 3, the first row has 2");
}

#[test]
fn what_is_put_aside_is_counted_also_where_it_is_not_kept() {
    let text = "x\n".repeat(MAX_KEPT_ASIDE + 5);
    let intake = read(text.as_bytes(), "http", &FeedFormat::Json, &settings(), now());
    assert_eq!((intake.rejected.len(), intake.rejected_rows()), (MAX_KEPT_ASIDE, MAX_KEPT_ASIDE as u64 + 5));
    let large = vec![b' '; MAX_FEED_BYTES + 1];
    let intake = read(&large, "http", &FeedFormat::Json, &settings(), now());
    assert_eq!(intake.rejected_by_reason, BTreeMap::from([(Reason::TooMuch, 1)]));
}

proptest! {
    #[test]
    fn every_row_is_taken_or_put_aside(cells in prop::collection::vec(("[0-9a-z,.-]{0,6}", "[0-9]{1,4}(,[0-9]{1,3})?"), 0..20)) {
        let mut text = String::from("Bon;Zeit;Art;Menge;Summe\n");
        for (id, amount) in &cells {
            text.push_str(&format!("{id};22.11.2026 13:00;sale;1;{amount}\n"));
        }
        for rows in [CsvRows::Transactions, CsvRows::Lines] {
            let intake = read(text.as_bytes(), "f", &FeedFormat::Csv(Box::new(mapping(rows))), &settings(), now());
            let lines = |t: &Transaction| t.lines.len().max(1) as u64;
            let taken: u64 = intake.transactions.iter().map(|(_, t)| lines(t)).sum();
            prop_assert_eq!(taken + intake.rejected_rows(), cells.len() as u64);
        }
    }
}
