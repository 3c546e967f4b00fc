//! The arguments of every command of `footfall-hq`: read once, checked, and typed from here on.
//!
//! The doc comments of the fields are the text of `--help`, so they speak to the person at the terminal.

use crate::app::exit::Ending;
use crate::calendar::Day;
use crate::ids::{BoxId, IdError, RegionId, StoreId, TenantId};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;

/// Head office: receives what the boxes count, keeps it, works it out, and shows it.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "footfall-hq", version, max_term_width = 100, after_help = Ending::help("footfall-hq"))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Receive and show until told to stop (the service)
    ///
    /// SIGTERM or Ctrl-C stops it; what boxes send meanwhile waits at the broker and on their disks.
    #[command(after_help = "Example:\n  footfall-hq serve --config /etc/footfall/hq.toml")]
    Serve(FileArgs),
    /// Look for faults in the config file and in the register it names, and show all of them
    #[command(after_help = "Example:\n  footfall-hq check --config hq.toml")]
    Check(FileArgs),
    /// The config file itself
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Take over the register: tenants, regions, stores, boxes and displays
    ///
    /// Says what is new and what has changed. A running service reads the register that its config file names by itself.
    #[command(after_help = "Examples:\n  footfall-hq register --config hq.toml\n  \
        footfall-hq register stores.toml --config hq.toml")]
    Register(RegisterArgs),
    /// Who may sign in, and what they may see
    #[command(subcommand)]
    Account(AccountCommand),
    /// Make a token for a program: to read, or to send sales and staffing
    ///
    /// It is shown once. What it may see is what its account may see.
    #[command(
        after_help = "Example:\n  footfall-hq token grafana --account reports --scope read --config hq.toml"
    )]
    Token(TokenArgs),
    /// Make a link by which a box enrols itself, once, and show it with a QR code
    ///
    /// Whoever has the link can become that box, so hand it to the person at the box and to nobody else.
    #[command(after_help = "Example:\n  footfall-hq enrol acme/berlin-1/acme-b1-door --config hq.toml")]
    Enrol(EnrolArgs),
    /// The authority that signs the boxes' certificates
    #[command(subcommand)]
    Authority(AuthorityCommand),
    /// Software for the boxes
    #[command(subcommand)]
    Package(PackageCommand),
    /// Take sales, web orders or staffing out of a CSV or JSON file
    ///
    /// Each row names its store. What comes again under its id replaces the former; rows that cannot be taken are shown with the reason.
    #[command(
        after_help = "Examples:\n  footfall-hq import sales monday.csv --tenant acme --config hq.toml\n  \
        footfall-hq import staffing week-48.csv --tenant acme --config hq.toml\n\nColumns: docs/guide/headoffice-data.md"
    )]
    Import(ImportArgs),
    /// Show a store's day: hours, figures, and how much was seen
    #[command(after_help = "Examples:\n  footfall-hq day acme/berlin-1 --config hq.toml\n  \
        footfall-hq day acme/berlin-1 --day 2026-11-20 --config hq.toml")]
    Day(DayArgs),
    /// Show what arrived and could not be read, and why
    #[command(after_help = "Example:\n  footfall-hq aside --last 20 --config hq.toml")]
    Aside(AsideArgs),
    /// Write one business day of every store as Parquet files, for tools of your own
    #[command(
        after_help = "Example:\n  footfall-hq export --tenant acme --day 2026-11-20 --out export/ --config hq.toml"
    )]
    Export(ExportArgs),
    /// Fill a database with a chain that does not exist, to try things out
    ///
    /// Every page says that its stores are simulated. The same seed gives the same chain.
    #[command(
        after_help = "Example:\n  footfall-hq simulate --tenant demo --stores 20 --weeks 56 --config demo.toml"
    )]
    Simulate(SimulateArgs),
}

/// The config file itself.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ConfigCommand {
    /// Print the commented default file: every setting with its unit and default
    #[command(after_help = "Example:\n  footfall-hq config default > hq.toml")]
    Default,
}

/// The authority that signs the boxes' certificates.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AuthorityCommand {
    /// Make it, where it is not there yet
    #[command(after_help = "Example:\n  footfall-hq authority init --config hq.toml")]
    Init(FileArgs),
    /// Print its certificate, for the broker
    #[command(after_help = "Example:\n  footfall-hq authority show --config hq.toml > boxes-ca.pem")]
    Show(FileArgs),
    /// Print the list of the revoked certificates, for the broker; it is good for a week
    #[command(after_help = "Example:\n  footfall-hq authority revoked --config hq.toml > revoked.pem")]
    Revoked(FileArgs),
}

/// Software for the boxes.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum PackageCommand {
    /// Add a package with its signed manifest, so that boxes can be given it
    #[command(
        after_help = "Example:\n  footfall-hq package add footfall_1.2.0_arm64.deb --manifest footfall.json --signature footfall.sig --config hq.toml"
    )]
    Add(PackageAddArgs),
}

/// Who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum AccountCommand {
    /// Make an account
    ///
    /// Asks for the password. There is no default one; at least 12 characters.
    #[command(
        after_help = "Examples:\n  footfall-hq account add ada --role admin --tenant acme --config hq.toml\n  \
        footfall-hq account add bo --role manager --tenant acme --store berlin-1 --config hq.toml\n  \
        footfall-hq account add cy --email cy@example.com --role viewer --tenant acme --config hq.toml"
    )]
    Add(AccountAddArgs),
    /// Give an account another password; whoever is signed in with it has to sign in again
    #[command(after_help = "Example:\n  footfall-hq account password ada --config hq.toml")]
    Password(AccountPasswordArgs),
    /// Show all accounts and what they may see
    #[command(after_help = "Example:\n  footfall-hq account list --config hq.toml")]
    List(FileArgs),
    /// Keep an account from signing in, at once
    #[command(after_help = "Example:\n  footfall-hq account disable bo --config hq.toml")]
    Disable(AccountNameArgs),
    /// Let a disabled account sign in again
    #[command(after_help = "Example:\n  footfall-hq account enable bo --config hq.toml")]
    Enable(AccountNameArgs),
}

/// Which config file.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct FileArgs {
    /// The config file
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// `footfall-hq register`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RegisterArgs {
    /// The register [default: the one that the config file names]
    #[arg(value_name = "REGISTER")]
    pub register: Option<PathBuf>,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RoleArg {
    /// Everything, accounts too
    Admin,
    /// Read, and change displays
    Manager,
    /// Read
    Viewer,
}

/// `footfall-hq account add`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AccountAddArgs {
    /// Name to sign in with
    #[arg(value_name = "NAME")]
    pub name: String,
    /// What it may do
    #[arg(long)]
    pub role: RoleArg,
    /// Whose stores
    #[arg(long, value_name = "ID", value_parser = TenantId::parse)]
    pub tenant: TenantId,
    /// Only those of this region
    #[arg(long, value_name = "ID", value_parser = RegionId::parse, conflicts_with = "store")]
    pub region: Option<RegionId>,
    /// Only this one
    #[arg(long, value_name = "ID", value_parser = StoreId::parse)]
    pub store: Option<StoreId>,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
    /// For somebody who signs in with the company account (OpenID Connect) of this address, and without a password here
    #[arg(long, value_name = "ADDRESS", conflicts_with = "password_stdin")]
    pub email: Option<String>,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// `footfall-hq account password`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AccountPasswordArgs {
    /// Name of the account
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Read the password from standard input instead of asking for it
    #[arg(long)]
    pub password_stdin: bool,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// `footfall-hq account disable` and `enable`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AccountNameArgs {
    /// Name of the account
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TokenScopeArg {
    /// Read figures
    Read,
    /// Send sales, web orders and staffing
    Feed,
}

/// `footfall-hq token`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TokenArgs {
    /// What it is called in lists
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The account whose rights it has
    #[arg(long, value_name = "NAME")]
    pub account: String,
    /// What it is for
    #[arg(long)]
    pub scope: TokenScopeArg,
    /// After how many days it ends
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    pub days: u32,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// A store as people write it: `tenant/store`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAddress {
    /// Who owns it.
    pub tenant: TenantId,
    /// The store.
    pub store: StoreId,
}

impl StoreAddress {
    fn parse(text: &str) -> Result<Self, String> {
        let (tenant, store) =
            text.split_once('/').ok_or("give tenant and store with a / between, such as acme/berlin-1")?;
        let fault = |fault: IdError| fault.to_string();
        Ok(Self {
            tenant: TenantId::parse(tenant).map_err(fault)?,
            store: StoreId::parse(store).map_err(fault)?,
        })
    }
}

impl std::fmt::Display for StoreAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.tenant, self.store)
    }
}

/// A box as people write it: `tenant/store/box`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxAddress {
    /// Who owns it.
    pub tenant: TenantId,
    /// The store.
    pub store: StoreId,
    /// The box.
    pub box_id: BoxId,
}

impl BoxAddress {
    fn parse(text: &str) -> Result<Self, String> {
        let wanted = "give tenant, store and box with a / between, such as acme/berlin-1/acme-b1-door";
        let (store, box_id) = text.rsplit_once('/').ok_or(wanted)?;
        let StoreAddress { tenant, store } = StoreAddress::parse(store)?;
        Ok(Self { tenant, store, box_id: BoxId::parse(box_id).map_err(|fault| fault.to_string())? })
    }
}

impl std::fmt::Display for BoxAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.tenant, self.store, self.box_id)
    }
}

/// `footfall-hq enrol`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct EnrolArgs {
    /// The box
    #[arg(value_name = "TENANT/STORE/BOX", value_parser = BoxAddress::parse)]
    pub of: BoxAddress,
    /// For how many days the link is good [default: as the config file says]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=14))]
    pub days: Option<u32>,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// `footfall-hq package add`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct PackageAddArgs {
    /// The package
    #[arg(value_name = "FILE.deb")]
    pub path: PathBuf,
    /// Its manifest: the JSON that was signed
    #[arg(long, value_name = "FILE")]
    pub manifest: PathBuf,
    /// The signature of the manifest, base64
    #[arg(long, value_name = "FILE")]
    pub signature: PathBuf,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FeedArg {
    /// What the stores' tills sold
    Sales,
    /// What the web shop sold
    Orders,
    /// Who works when
    Staffing,
}

/// `footfall-hq import`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ImportArgs {
    /// What it is about
    #[arg(value_name = "WHAT")]
    pub feed: FeedArg,
    /// The file; JSON where its name ends in .json, else CSV
    #[arg(value_name = "FILE")]
    pub path: PathBuf,
    /// Whose stores
    #[arg(long, value_name = "ID", value_parser = TenantId::parse)]
    pub tenant: TenantId,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// What `day --expect` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DayExpectation {
    /// Somebody came in
    Entries,
    /// There is a conversion rate
    Conversion,
}

/// `footfall-hq day`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DayArgs {
    /// The store
    #[arg(value_name = "TENANT/STORE", value_parser = StoreAddress::parse)]
    pub store: StoreAddress,
    /// The business day [default: the newest]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = Day::parse)]
    pub day: Option<Day>,
    /// Wait up to 20 s for these, and fail where they do not come
    #[arg(long, value_delimiter = ',')]
    pub expect: Vec<DayExpectation>,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// `footfall-hq aside`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct AsideArgs {
    /// How many to show, the newest first
    #[arg(long, value_name = "MESSAGES", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub last: u32,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// `footfall-hq export`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ExportArgs {
    /// The business day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = Day::parse)]
    pub day: Day,
    /// Whose stores
    #[arg(long, value_name = "ID", value_parser = TenantId::parse)]
    pub tenant: TenantId,
    /// Only this one
    #[arg(long, value_name = "ID", value_parser = StoreId::parse)]
    pub store: Option<StoreId>,
    /// The folder to write to; it is made where it is not there
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

/// `footfall-hq simulate`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SimulateArgs {
    /// Whose stores they are
    #[arg(long, value_name = "ID", default_value = "sim", value_parser = TenantId::parse)]
    pub tenant: TenantId,
    /// How many stores
    #[arg(long, value_name = "STORES", default_value_t = 20, value_parser = clap::value_parser!(u32).range(2..=500))]
    pub stores: u32,
    /// How many weeks, up to now
    #[arg(long, value_name = "WEEKS", default_value_t = 56, value_parser = clap::value_parser!(u32).range(8..=160))]
    pub weeks: u32,
    /// Which chain: another number, another chain
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// The config file
    #[command(flatten)]
    pub file: FileArgs,
}

impl Cli {
    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// What is wrong with them, or the help that was asked for; `exit()` shows both.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        Self::try_parse_from(arguments)
    }
}
