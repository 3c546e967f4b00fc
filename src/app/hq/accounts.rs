//! `footfall-hq account` and `footfall-hq token`: who may sign in, and what programs may.

use super::cli::{
    AccountAddArgs, AccountCommand, AccountNameArgs, AccountPasswordArgs, FileArgs, RoleArg, TokenArgs,
    TokenScopeArg,
};
use crate::app::exit::Failure;
use crate::hq::access::{
    self, Account, Actor, Change, NewAccount, NewGrant, NewToken, Origin, Place, PlaceName, Role, TokenScope,
};
use crate::hq::config;
use crate::hq::store::Store;
use crate::time::{Clock, SystemClock};
use anyhow::Context;
use console::Term;
use std::io::{BufRead, Write, stdin};

/// Where changes come from that are made at the machine, in the audit log.
const ADDRESS: &str = "this machine";
/// Longest line that is read as a password.
const MOST_PASSWORD_BYTES: u64 = 4096;

pub(super) fn run(command: &AccountCommand, out: &mut impl Write) -> anyhow::Result<()> {
    match command {
        AccountCommand::Add(args) => add(args, out),
        AccountCommand::Password(args) => password(args, out),
        AccountCommand::List(args) => list(args, out),
        AccountCommand::Disable(args) => change(args, &Change::Disabled, out),
        AccountCommand::Enable(args) => change(args, &Change::Enabled, out),
    }
}

fn opened(file: &FileArgs) -> anyhow::Result<Store> {
    Ok(Store::open(&config::load(&file.config)?.database)?)
}

fn here() -> Origin<'static> {
    Origin { at: SystemClock::start().now().wall, address: ADDRESS }
}

/// A rule that is in the way is for whoever typed the command to mend.
fn refused(fault: impl std::fmt::Display) -> anyhow::Error {
    Failure::Input(fault.to_string()).into()
}

fn add(args: &AccountAddArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = opened(&args.file)?;
    let role = match args.role {
        RoleArg::Admin => Role::Admin,
        RoleArg::Manager => Role::Manager,
        RoleArg::Viewer => Role::Viewer,
    };
    let place = match (&args.region, &args.store) {
        (Some(region), _) => PlaceName::Region(region.to_string()),
        (None, Some(store)) => PlaceName::Store(store.to_string()),
        (None, None) => PlaceName::Chain,
    };
    let password = match args.email {
        Some(_) => None,
        None => Some(read_password(args.password_stdin)?),
    };
    let new = NewAccount {
        name: args.name.clone(),
        email: args.email.clone(),
        password,
        grants: vec![NewGrant { role, tenant: args.tenant.to_string(), place }],
    };
    access::create_account(&store, &new, Actor::Operator, here()).map_err(refused)?;
    writeln!(out, "{} can sign in now", args.name)?;
    Ok(())
}

fn password(args: &AccountPasswordArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = opened(&args.file)?;
    let change = Change::Password(read_password(args.password_stdin)?);
    access::change_account(&store, (&args.name, &change), Actor::Operator, here()).map_err(refused)?;
    writeln!(out, "{} has another password; whoever was signed in has to sign in again", args.name)?;
    Ok(())
}

fn change(args: &AccountNameArgs, change: &Change, out: &mut impl Write) -> anyhow::Result<()> {
    let store = opened(&args.file)?;
    access::change_account(&store, (&args.name, change), Actor::Operator, here()).map_err(refused)?;
    let now =
        if matches!(change, Change::Disabled) { "cannot sign in any more" } else { "can sign in again" };
    writeln!(out, "{} {now}", args.name)?;
    Ok(())
}

fn list(args: &FileArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = opened(args)?;
    let accounts = access::accounts(&store, Actor::Operator)?;
    if accounts.is_empty() {
        writeln!(out, "there is no account yet; `footfall-hq account add` makes one")?;
    }
    for account in accounts {
        writeln!(out, "{}", line(&account))?;
    }
    Ok(())
}

fn line(account: &Account) -> String {
    let grants: Vec<String> = account
        .grants
        .iter()
        .map(|grant| match &grant.place {
            Place::Chain => format!("{} of {}", grant.role.as_str(), grant.tenant),
            Place::Region { name, .. } => {
                format!("{} of {}, region {name}", grant.role.as_str(), grant.tenant)
            }
            Place::Store { name, .. } => format!("{} of {}/{name}", grant.role.as_str(), grant.tenant),
        })
        .collect();
    let disabled = if account.disabled { "  (disabled)" } else { "" };
    format!("{}  {}{disabled}", account.name, grants.join("; "))
}

/// Makes a token and shows it, once.
///
/// # Errors
/// What is against it.
pub(super) fn token(args: &TokenArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let store = opened(&args.file)?;
    let account = access::account_number(&store, &args.account).map_err(refused)?;
    let scope = match args.scope {
        TokenScopeArg::Read => TokenScope::Read,
        TokenScopeArg::Feed => TokenScope::Feed,
    };
    let new = NewToken { name: args.name.clone(), scope, days: args.days };
    let (secret, _) = access::make_token(&store, account, &new, here()).map_err(refused)?;
    writeln!(out, "{}", secret.reveal())?;
    Ok(())
}

fn read_password(from_stdin: bool) -> anyhow::Result<String> {
    if from_stdin {
        let mut line = String::new();
        let most = &mut std::io::Read::take(stdin().lock(), MOST_PASSWORD_BYTES);
        most.read_line(&mut line).context("cannot read the password from standard input")?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let terminal = Term::stderr();
    if !terminal.is_term() {
        return Err(refused("there is no terminal to ask for the password on; give --password-stdin"));
    }
    let ask = |question: &str| -> anyhow::Result<String> {
        terminal.write_str(question)?;
        Ok(terminal.read_secure_line()?)
    };
    let first = ask("New password: ")?;
    if ask("Once more: ")? == first { Ok(first) } else { Err(refused("the two passwords differ; try again")) }
}
