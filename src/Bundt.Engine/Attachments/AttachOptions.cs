namespace Bundt.Engine;

/// <summary>What an attach wants.</summary>
/// <param name="Stdin">To write.</param>
/// <param name="Stdout">To read.</param>
/// <param name="Stderr">To read.</param>
/// <param name="Located">The frames carry their position; the first one is the position alone.</param>
/// <param name="Again">It was attached before, through another daemon: a paused container is no obstacle, and of one that has ended there is nothing to come.</param>
public sealed record AttachOptions(bool Stdin, bool Stdout, bool Stderr, bool Located = false, bool Again = false);
