//! Sorting the datagrams of one receive buffer: the kernel glues neighbours of one sender together (GRO), so a buffer may
//! mix plain and forwarded packets, or several flows. Each datagram is judged for itself, never the buffer. (TRANSPORT,
//! pitfall 2)
//!
//! Pure: no socket in sight.

use std::ops::Range;

/// Datagrams that go the same way, back to back: all `stride` bytes long, the last one perhaps shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run<W> {
    /// Which way they go.
    pub(crate) way: W,
    /// Bytes of all of them.
    pub(crate) len: usize,
    /// Bytes of one of them.
    pub(crate) stride: usize,
}

/// A run that didn't fit into its buffer's front, with its bytes.
pub(crate) type Aside<W> = (Run<W>, Vec<u8>);

/// Where the datagrams of a buffer lie. Only the last may be shorter than `stride`.
pub(crate) fn datagrams(len: usize, stride: usize) -> impl Iterator<Item = Range<usize>> {
    let stride = stride.max(1);
    (0..len).step_by(stride).map(move |start| start..len.min(start + stride))
}

/// Moves the datagrams that stay to the front of the buffer, and those going another way than the first of them aside.
///
/// `judge` says for each datagram which way it goes and how many bytes to cut from its front, or nothing to drop it. The
/// cut must depend on the way alone, so that a run keeps one stride. Order within a way is kept.
pub(crate) fn sort<W: Copy + PartialEq>(
    buffer: &mut [u8],
    stride: usize,
    mut judge: impl FnMut(&[u8]) -> Option<(W, usize)>,
) -> (Option<Run<W>>, Vec<Aside<W>>) {
    let mut front: Option<Run<W>> = None;
    let mut aside: Vec<Aside<W>> = Vec::new();
    for datagram in datagrams(buffer.len(), stride) {
        let Some((way, cut)) = judge(&buffer[datagram.clone()]) else { continue };
        let kept = (datagram.start + cut).min(datagram.end)..datagram.end;
        let len = kept.len();
        match &mut front {
            None => {
                buffer.copy_within(kept, 0);
                front = Some(Run { way, len, stride: len });
            }
            Some(run) if run.way == way => {
                buffer.copy_within(kept, run.len);
                run.len += len;
            }
            Some(_) => {
                if let Some((run, bytes)) = aside.iter_mut().find(|(run, _)| run.way == way) {
                    bytes.extend_from_slice(&buffer[kept]);
                    run.len += len;
                } else {
                    aside.push((Run { way, len, stride: len }, buffer[kept].to_vec()));
                }
            }
        }
    }
    (front, aside)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The first byte is the way; an odd way loses one byte; 0 is dropped.
    fn judge(datagram: &[u8]) -> Option<(u8, usize)> {
        datagram.first().filter(|way| **way != 0).map(|way| (*way, usize::from(way % 2)))
    }

    #[test]
    fn a_uniform_buffer_is_stripped_in_place() {
        let mut buffer = *b"\x01aa\x01bb\x01c";
        let (front, aside) = sort(&mut buffer, 3, judge);
        assert_eq!(front, Some(Run { way: 1, len: 5, stride: 2 }));
        assert_eq!((&buffer[..5], aside.len()), (b"aabbc".as_slice(), 0));
    }

    #[test]
    fn a_mixed_buffer_is_judged_datagram_by_datagram() {
        let mut buffer = *b"\x00xx\x02aa\x01bb\x02cc\x03dd\x01e";
        let (front, aside) = sort(&mut buffer, 3, judge);
        assert_eq!(front, Some(Run { way: 2, len: 6, stride: 3 }));
        assert_eq!(&buffer[..6], b"\x02aa\x02cc");
        assert_eq!(
            aside,
            [(Run { way: 1, len: 3, stride: 2 }, b"bbe".to_vec()), (Run { way: 3, len: 2, stride: 2 }, b"dd".to_vec()),]
        );
    }

    #[test]
    fn nothing_left_is_nothing() {
        assert_eq!(sort(&mut [], 0, judge), (None, Vec::new()));
        assert_eq!(sort(&mut [0, 1, 0, 1], 2, judge), (None, Vec::new()));
    }

    proptest! {
        /// Against the obvious way to do it: one list per way.
        #[test]
        fn sorting_loses_and_invents_nothing(mut buffer in prop::collection::vec(0u8..4, 0..200), stride in 0usize..20) {
            let mut expected: Vec<(u8, Vec<Vec<u8>>)> = Vec::new();
            for datagram in buffer.chunks(stride.max(1)) {
                let Some((way, cut)) = judge(datagram) else { continue };
                let kept = datagram[cut..].to_vec();
                match expected.iter_mut().find(|(other, _)| *other == way) {
                    Some((_, list)) => list.push(kept),
                    None => expected.push((way, vec![kept])),
                }
            }
            let (front, aside) = sort(&mut buffer, stride, judge);
            let found: Vec<_> = front.iter().map(|run| (*run, buffer[..run.len].to_vec())).chain(aside)
                .map(|(run, bytes)| (run.way, run.len, datagrams(run.len, run.stride).map(|at| bytes[at].to_vec()).collect::<Vec<_>>()))
                .collect();
            for (way, len, list) in &found {
                prop_assert_eq!(*len, list.iter().map(Vec::len).sum::<usize>());
                let wanted = expected.iter().find(|(other, _)| other == way).map(|(_, list)| list.clone());
                // A datagram that is empty once cut has no place between two others.
                let wanted: Option<Vec<_>> = wanted.map(|list| list.into_iter().filter(|one| !one.is_empty()).collect());
                prop_assert_eq!(Some(list), wanted.as_ref());
            }
            prop_assert_eq!(found.len(), expected.len());
        }
    }
}
