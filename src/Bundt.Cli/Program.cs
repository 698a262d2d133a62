using Bundt.Cli;

return Client.Run(args);
