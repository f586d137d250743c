//! A listener whose connections can be reset or cut off in the middle of a response.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// How long to wait after a connection could not be accepted, so that others can end.
const PAUSE: Duration = Duration::from_millis(100);

/// What happens to the next response on a connection.
#[derive(Clone, Copy, Default)]
enum Fate {
    /// It is sent.
    #[default]
    Sent,
    /// The connection is reset instead.
    Reset,
    /// Its head and part of its body are sent, then the connection is closed.
    CutOff {
        /// How many bytes of the body may still be sent.
        body: usize,
        /// How many bytes of the empty line between head and body were seen.
        seen: usize,
    },
    /// Everything that may be sent was sent.
    Closed,
}

/// The end of the head of a response (RFC 9112 §2.1).
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

impl Fate {
    /// How many of these bytes may be sent.
    fn allow(&mut self, bytes: &[u8]) -> usize {
        let Self::CutOff { body, seen } = self else {
            return bytes.len();
        };
        let mut allowed = 0;
        for byte in bytes {
            if *seen == END_OF_HEAD.len() {
                break;
            }
            allowed += 1;
            if END_OF_HEAD.get(*seen) == Some(byte) {
                *seen += 1;
            } else {
                *seen = usize::from(*byte == b'\r');
            }
        }
        let of_body = (bytes.len() - allowed).min(*body);
        *body -= of_body;
        if *seen == END_OF_HEAD.len() && *body == 0 {
            *self = Self::Closed;
        }
        allowed + of_body
    }
}

/// Decides the fate of the responses on one connection.
#[derive(Clone, Default)]
pub(super) struct Handle(Arc<Mutex<Fate>>);

impl Handle {
    /// Resets the connection (RFC 9293 §3.10.5) instead of sending the next response.
    pub(super) fn reset(&self) {
        self.set(Fate::Reset);
    }

    /// Closes the connection after the head and this many bytes of the body of the next response.
    pub(super) fn cut_off_after(&self, body: usize) {
        self.set(Fate::CutOff { body, seen: 0 });
    }

    fn set(&self, fate: Fate) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = fate;
    }

    fn get(&self) -> Fate {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections that have a [`Handle`].
pub(super) struct FaultyListener(pub(super) TcpListener);

impl Listener for FaultyListener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.0.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            // Without it, responses may be late, nothing worse.
            let _ = stream.set_nodelay(true);
            let handle = Handle::default();
            return (Connection { stream, handle }, address);
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, FaultyListener>> for Handle {
    fn connect_info(stream: IncomingStream<'_, FaultyListener>) -> Self {
        stream.io().handle.clone()
    }
}

/// A TCP connection whose responses have a [`Fate`].
pub(super) struct Connection {
    stream: TcpStream,
    handle: Handle,
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut fate = self.handle.get();
        match fate {
            Fate::Reset => {
                // A socket that does not linger is reset when it is closed, and it is closed once
                // writing has failed.
                let reset = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
                return Poll::Ready(Err(reset
                    .err()
                    .unwrap_or_else(|| io::ErrorKind::ConnectionReset.into())));
            }
            Fate::Closed => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            Fate::Sent | Fate::CutOff { .. } => {}
        }
        let allowed = fate.allow(bytes);
        let written = match Pin::new(&mut self.stream)
            .poll_write(context, bytes.get(..allowed).unwrap_or(bytes))
        {
            Poll::Ready(Ok(written)) => written,
            other => return other,
        };
        // Counted again, because fewer bytes may have been written than were allowed.
        let mut fate = self.handle.get();
        fate.allow(bytes.get(..written).unwrap_or(bytes));
        self.handle.set(fate);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.handle.get() {
            Fate::Reset => Poll::Ready(Ok(())),
            _ => Pin::new(&mut self.stream).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_cut_off_wherever_writes_begin_and_end() {
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\r\n\r\n12345678";
        let expected = reply.len() - 4;
        for size in 1..=reply.len() {
            let mut fate = Fate::CutOff { body: 4, seen: 0 };
            let mut sent = 0;
            for piece in reply.chunks(size) {
                let allowed = fate.allow(piece);
                sent += allowed;
                if allowed < piece.len() || matches!(fate, Fate::Closed) {
                    break;
                }
            }
            assert_eq!(sent, expected, "in pieces of {size}");
            assert!(matches!(fate, Fate::Closed));
        }
    }

    #[test]
    fn other_replies_are_sent_whole() {
        assert_eq!(Fate::Sent.allow(b"abc"), 3);
    }
}
