use std::pin::Pin;

use tokio::io::AsyncReadExt;
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::echo::echo_server::{Echo, EchoServer};
use crate::echo::Message;

struct Service;

type Messages = Pin<Box<dyn Stream<Item = Result<Message, Status>> + Send>>;

#[tonic::async_trait]
impl Echo for Service {
    type BothStream = Streaming<Message>;
    type ManyStream = Messages;

    async fn unary(&self, request: Request<Message>) -> Result<Response<Message>, Status> {
        Ok(Response::new(request.into_inner()))
    }
    async fn both(
        &self,
        request: Request<Streaming<Message>>,
    ) -> Result<Response<Self::BothStream>, Status> {
        Ok(Response::new(request.into_inner()))
    }
    async fn many(&self, request: Request<Message>) -> Result<Response<Messages>, Status> {
        let all = std::iter::repeat_n(request.into_inner(), crate::REPLIES);
        Ok(Response::new(Box::pin(tokio_stream::iter(all).map(Ok))))
    }
}

pub async fn serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    println!("{}", listener.local_addr().expect("an address").port());
    let end = async {
        let mut rest = Vec::new();
        let _ = tokio::io::stdin().read_to_end(&mut rest).await;
        std::process::exit(0); // At once, with its clients' connections open.
    };
    tonic::transport::Server::builder()
        .tcp_nodelay(true)
        .max_concurrent_streams(1000)
        .add_service(EchoServer::new(Service).max_decoding_message_size(8 << 20))
        .serve_with_incoming_shutdown(incoming(listener), end)
        .await
        .expect("a server");
}

fn incoming(
    listener: tokio::net::TcpListener,
) -> impl Stream<Item = std::io::Result<tokio::net::TcpStream>> {
    tokio_stream::wrappers::TcpListenerStream::new(listener).map(|connection| {
        let connection = connection?;
        connection.set_nodelay(true)?;
        Ok(connection)
    })
}
