import { AddressInfo, connect, createServer, Server, Socket } from 'node:net';

/** A line to PostgreSQL that a test can cut or stall. */
export class DatabaseLine {
  private state: 'whole' | 'cut' | 'stalled' = 'whole';
  private readonly ends = new Set<Socket>();
  private refused: string | undefined;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async to(databaseUrl: string): Promise<DatabaseLine> {
    const target = new URL(databaseUrl);
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = new URL(databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as AddressInfo).port);
    const line = new DatabaseLine(server, url.href);
    server.on('connection', (near) => line.join(near, target));
    return line;
  }

  /** Open connections break, new ones are refused. */
  cut(): void {
    this.state = 'cut';
    for (const end of this.ends) end.destroy();
  }

  /** Nothing passes any more, in either direction; nobody is told. */
  stall(): void {
    this.state = 'stalled';
    for (const end of this.ends) end.pause();
  }

  /** Only connections of this application are refused from now on. */
  refuse(applicationName: string): void {
    this.refused = applicationName;
  }

  mend(): void {
    this.state = 'whole';
    this.refused = undefined;
    for (const end of this.ends) end.resume();
  }

  async close(): Promise<void> {
    for (const end of this.ends) end.destroy();
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private join(near: Socket, target: URL): void {
    if (this.state === 'cut') {
      near.destroy();
      return;
    }
    // A client names its application in the first thing it says.
    near.once('data', (data) => {
      if (this.refused !== undefined && data.includes(this.refused)) near.destroy();
    });
    const far = connect({ host: target.hostname, port: Number(target.port) });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.ends.add(from);
      from.on('data', (data) => to.write(data));
      from.on('error', () => undefined);
      from.on('close', () => {
        this.ends.delete(from);
        to.destroy();
      });
      if (this.state === 'stalled') from.pause();
    }
  }
}
