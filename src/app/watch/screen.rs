//! The terminal: a view that stays in place, or one line for each message where the output is no terminal.
//!
//! What has been drawn stays on the screen at the end, and the cursor is always given back.

use super::view::{Line, Size, Tone, View};
use console::{Style, Term};
use std::io;

/// Where the view goes.
#[derive(Debug)]
pub(super) enum Screen {
    /// A terminal.
    InPlace(InPlace),
    /// A file, a pipe, or a terminal that cannot move its cursor.
    Lines(Term),
}

/// A view that stays in place.
#[derive(Debug)]
pub(super) struct InPlace {
    term: Term,
    size: Size,
    drawn: usize,
}

impl Screen {
    /// The one that fits standard output. Hides the cursor until it is dropped.
    pub(super) fn of_stdout() -> io::Result<Self> {
        let term = Term::buffered_stdout();
        if !term.is_term() || console::is_dumb() {
            return Ok(Self::Lines(term));
        }
        term.hide_cursor()?;
        let size = size_of(&term);
        Ok(Self::InPlace(InPlace { term, size, drawn: 0 }))
    }

    /// Shows something that just happened, where the view does not.
    pub(super) fn tell(&self, line: &Line) -> io::Result<()> {
        match self {
            Self::InPlace(_) => Ok(()),
            Self::Lines(term) => {
                term.write_line(&line.text)?;
                term.flush()
            }
        }
    }

    /// Draws the view over the one before it.
    pub(super) fn draw(&mut self, view: &View<'_>) -> io::Result<()> {
        match self {
            Self::InPlace(screen) => screen.draw(view),
            Self::Lines(_) => Ok(()),
        }
    }

    /// Writes a line that stays, below the view.
    pub(super) fn close(self, last: &str) -> io::Result<()> {
        let (Self::InPlace(InPlace { term, .. }) | Self::Lines(term)) = &self;
        term.write_line(last)?;
        term.flush()
    }
}

impl InPlace {
    fn draw(&mut self, view: &View<'_>) -> io::Result<()> {
        let size = size_of(&self.term);
        if size == self.size {
            self.term.move_cursor_up(self.drawn)?;
        } else {
            // The terminal has broken the old lines anew, so nobody knows where they begin.
            self.term.clear_screen()?;
            self.size = size;
        }
        // A Ctrl-C leaves its mark at the start of the line.
        self.term.write_str("\r")?;
        self.term.clear_to_end_of_screen()?;
        let lines = view.render(size);
        for line in &lines {
            self.term.write_line(&style(line.tone).apply_to(&line.text).to_string())?;
        }
        self.drawn = lines.len();
        self.term.flush()
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        // Nothing is left to be done where even this cannot be written.
        self.term.show_cursor().and_then(|()| self.term.flush()).ok();
    }
}

fn size_of(term: &Term) -> Size {
    let (rows, columns) = term.size();
    Size { columns: columns.into(), rows: rows.into() }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Plain => Style::new(),
        Tone::Title => Style::new().bold(),
        Tone::Good => Style::new().green(),
        Tone::Bad => Style::new().red().bold(),
        Tone::Faint => Style::new().dim(),
    }
}
