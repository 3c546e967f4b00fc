//! What is wrong with a connection, in words that an installer can act on, and how long to wait.

use crate::outbox::WriterGone;
use crate::publish::MqttSettings;
use crate::publish::backoff::Why;
use crate::publish::delivery::DeliveryFault;
use rumqttc::{ConnectReturnCode, ConnectionError, StateError};

/// Why a connection did not come about, or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) why: Why,
    /// Names the broker; never the password.
    pub(super) text: String,
}

impl Trouble {
    /// No connection came about.
    pub(super) fn connecting(fault: &ConnectionError, mqtt: &MqttSettings) -> Self {
        let broker = format!("broker {}:{}", mqtt.host, mqtt.port);
        if let ConnectionError::ConnectionRefused(code) = fault {
            return Self { why: Why::Refused, text: refused(&broker, *code, mqtt) };
        }
        let text = match fault {
            ConnectionError::Io(cause) => {
                format!(
                    "{broker} cannot be reached ({cause}); check that it runs, its address and the network"
                )
            }
            ConnectionError::NetworkTimeout => {
                format!("{broker} does not answer; check its address, the network and any firewall")
            }
            ConnectionError::Tls(cause) => {
                format!(
                    "{broker}: TLS failed ({cause}); check the ca file, the client certificate and the host name"
                )
            }
            ConnectionError::MqttState(cause) => format!(
                "{broker} broke off at the greeting ({}); check that this port speaks MQTT {} TLS, and the certificates",
                in_words(cause),
                if mqtt.tls.is_some() { "with" } else { "without" },
            ),
            ConnectionError::NotConnAck(_) => {
                format!("{broker} answers in a way that is not MQTT; check host and port")
            }
            other => format!("{broker}: no connection ({other})"),
        };
        Self { why: Why::Failed, text }
    }

    /// A connection that worked has ended.
    pub(super) fn connected(fault: &ConnectionError, mqtt: &MqttSettings) -> Self {
        let cause = match fault {
            ConnectionError::MqttState(cause) => in_words(cause),
            other => other.to_string(),
        };
        Self::lost(mqtt, &cause)
    }

    /// The outbox could not be read when the connection was made, and can be now: what waits in it goes over the next.
    pub(super) fn with_outbox(mqtt: &MqttSettings) -> Self {
        let text =
            format!("broker {}:{}: connecting anew, as the outbox can be read now", mqtt.host, mqtt.port);
        Self { why: Why::Failed, text }
    }

    /// The broker is there and confirms nothing.
    pub(super) fn silent(mqtt: &MqttSettings) -> Self {
        Self::lost(mqtt, "it does not confirm what it gets; is its disk full?")
    }

    /// The client or a message is not as we believe: a fault of ours, which a new client mends.
    pub(super) fn ours(fault: &impl std::fmt::Display) -> Self {
        Self { why: Why::Lost, text: format!("the MQTT client is given up ({fault})") }
    }

    fn lost(mqtt: &MqttSettings, cause: &str) -> Self {
        Self { why: Why::Lost, text: format!("broker {}:{} was lost ({cause})", mqtt.host, mqtt.port) }
    }
}

impl From<DeliveryFault> for Trouble {
    fn from(fault: DeliveryFault) -> Self {
        Self::ours(&fault)
    }
}

impl From<WriterGone> for Trouble {
    fn from(gone: WriterGone) -> Self {
        Self::ours(&gone)
    }
}

fn refused(broker: &str, code: ConnectReturnCode, mqtt: &MqttSettings) -> String {
    use ConnectReturnCode as Code;
    match code {
        Code::BadUserNamePassword | Code::NotAuthorized => match &mqtt.login {
            Some(login) => format!(
                "{broker} refused the user or password (user {:?}); check both, and that the broker knows them",
                login.user
            ),
            None => format!("{broker} wants a user and password, or a client certificate; give them"),
        },
        Code::BadClientId => format!("{broker} refused the box id as client id; check what it allows"),
        Code::RefusedProtocolVersion => format!("{broker} does not speak MQTT 3.1.1; use one that does"),
        Code::ServiceUnavailable => format!("{broker} says that it is not available; look at its log"),
        Code::Success => format!("{broker} refused without a reason"),
    }
}

fn in_words(fault: &StateError) -> String {
    match fault {
        StateError::Io(cause) => cause.to_string(),
        StateError::ConnectionAborted => "it closed the connection".to_owned(),
        StateError::AwaitPingResp => "it has fallen silent".to_owned(),
        StateError::Deserialization(rumqttc::mqttbytes::Error::Io(cause)) => cause.to_string(),
        other => other.to_string(),
    }
}
