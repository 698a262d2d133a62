namespace Bundt.Cli.Http;

/// <summary>The daemon's connection ended in the middle: it was killed or restarted. Commands that can go on where they were catch it.</summary>
internal sealed class ConnectionLostException() : IOException("the connection to the daemon was lost");
