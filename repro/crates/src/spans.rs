//! Spans of tracing, in a registry of tracing-subscriber.

use tracing::{span, Dispatch, Id, Level, Span};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// What a layer would store with a span: as large as the model's.
struct Timing([u64; 2]);

/// A layer that does nothing: a registry removes closed spans only if there is a layer on top of
/// it.
struct Plain;

impl Layer<Registry> for Plain {}

pub fn new_registry() -> Dispatch {
    Dispatch::new(Registry::default().with(Plain))
}

/// One span, of the registry that is the thread's default.
pub fn new() -> Span {
    span!(Level::INFO, "step")
}

fn with_registry<R>(span: &Span, act: impl FnOnce(&Id, &Dispatch, &Registry) -> R) -> R {
    span.with_subscriber(|(id, dispatch)| {
        act(id, dispatch, dispatch.downcast_ref::<Registry>().expect("it is a registry"))
    })
    .expect("the span is enabled")
}

/// Enters a span, stores an extension in it, and reads that back. False when it differs.
pub fn open(span: &Span, number: u64) -> bool {
    with_registry(span, |id, dispatch, registry| {
        dispatch.enter(id);
        let span = registry.span(id).expect("the span is there");
        span.extensions_mut().insert(Timing([number, !number]));
        let found = span.extensions().get::<Timing>().map(|timing| timing.0);
        found == Some([number, !number])
    })
}

/// Only enters a span. False when another one is the thread's current span.
pub fn enter(span: &Span) -> bool {
    with_registry(span, |id, dispatch, _| {
        dispatch.enter(id);
        dispatch.current_span().id() == Some(id)
    })
}

/// Leaves it. Dropping it then closes it.
pub fn leave(span: &Span) {
    with_registry(span, |id, dispatch, _| dispatch.exit(id));
}
