//! What has to be started anew for other settings.

use super::things;
use crate::config::{CameraSettings, EdgeSettings};
use crate::ids::CameraId;

/// What differs between two configurations, as far as that says what to start anew.
#[derive(Debug, PartialEq)]
pub(super) enum Difference {
    /// These cameras only, in themselves; none where nothing differs.
    Cameras(Vec<CameraId>),
    /// Something that others build on.
    Everything,
}

/// What has to be started anew when `next` is to hold in place of `now`.
///
/// A camera alone is started anew where nobody else has to know: its name stays, and so do the lines and zones of which board,
/// store and Home Assistant were told.
pub(super) fn difference(now: &EdgeSettings, next: &EdgeSettings) -> Difference {
    let names = |settings: &EdgeSettings| {
        let of = |camera: &CameraSettings| {
            let lines = camera.pipeline.lines.iter().map(|line| line.id.clone()).collect::<Vec<_>>();
            (camera.id.clone(), lines)
        };
        settings.cameras.iter().map(of).collect::<Vec<_>>()
    };
    let is_same_for_others = names(now) == names(next)
        && now.doors() == next.doors()
        && things(now) == things(next)
        && without_cameras(now) == without_cameras(next);
    if !is_same_for_others {
        return Difference::Everything;
    }
    let pairs = now.cameras.iter().zip(&next.cameras);
    let differ = pairs.filter(|(now, next)| now != next).map(|(now, _)| now.id.clone());
    Difference::Cameras(differ.collect())
}

fn without_cameras(settings: &EdgeSettings) -> EdgeSettings {
    EdgeSettings { cameras: Vec::new(), ..settings.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn settings(change: impl FnOnce(String) -> String) -> EdgeSettings {
        let camera = |id: &str| {
            format!(
                "[[camera]]\nid = \"{id}\"\nsource = \"rtsp://127.0.0.1:1/{id}\"\npicture = \"768x576\"\n\
                 line = [{{ id = \"in-{id}\", from = [0, 0], to = [9, 9] }}]\n"
            )
        };
        let text = format!(
            "tenant = \"acme\"\nstore = \"berlin-1\"\nbox = \"box-1\"\n[outbox]\nhistory = \"20d\"\n{}{}",
            camera("door"),
            camera("back")
        );
        let folder = tempfile::tempdir().unwrap();
        // Paths are absolute and stay the same, as the folder of a config file does.
        let path = folder.path().join("footfall.toml");
        let text = change(text).replace("[outbox]\n", "[outbox]\npath = \"/tmp/o.sqlite\"\n");
        std::fs::write(&path, text).unwrap();
        config::load(&path, std::path::Path::new("")).unwrap()
    }

    #[track_caller]
    fn check(was: &str, is: &str, expected: Difference) {
        let now = settings(|text| text);
        let next = settings(|text| {
            assert!(text.contains(was), "{was}");
            text.replacen(was, is, 1)
        });
        assert_eq!(difference(&now, &next), expected, "{was} -> {is}");
    }

    fn cameras(ids: &[&str]) -> Difference {
        Difference::Cameras(ids.iter().map(|id| CameraId::parse(id).unwrap()).collect())
    }

    #[test]
    fn a_camera_that_differs_in_itself_is_started_anew_alone() {
        check("127.0.0.1:1/door", "127.0.0.1:1/other", cameras(&["door"]));
        check("from = [0, 0]", "from = [1, 0]", cameras(&["door"]));
        check("rtsp://127.0.0.1:1/back", "rtsp://127.0.0.1:2/back", cameras(&["back"]));
    }

    #[test]
    fn nothing_is_started_anew_where_nothing_differs() {
        check("20d", "480h", cameras(&[]));
    }

    #[test]
    fn what_others_were_told_of_starts_everything_anew() {
        check("in-door", "main", Difference::Everything);
        check("id = \"door\"", "id = \"front\"", Difference::Everything);
        check("20d", "21d", Difference::Everything);
        check("from = [0, 0]", "counts = \"goods\", from = [0, 0]", Difference::Everything);
    }
}
