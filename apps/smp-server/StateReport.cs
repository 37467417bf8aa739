using Pairwise.Server.Smp;

namespace Pairwise.SmpRelay;

/// <summary>Tells the operator what was found in the logs.</summary>
internal static class StateReport
{
    public static void Write(SmpServerReport report, TextWriter output)
    {
        if (report.Queues.RestoredFromInterruptedStart)
        {
            output.WriteLine("The last start was interrupted while it compacted the store log; the copy that it left was used.");
        }

        if (report.Queues.Lines > 0)
        {
            output.WriteLine($"Store log: {report.Queues.Lines} lines read.");
        }

        if (report.Queues.HasTornLastLine)
        {
            output.WriteLine("Store log: the last line was torn and is left out.");
        }

        if (report.Queues.BrokenLines + report.Queues.RefusedRecords > 0)
        {
            output.WriteLine($"Store log: {report.Queues.BrokenLines} lines could not be read, {report.Queues.RefusedRecords} were about queues that are not there.");
        }

        if (report.Messages != Server.Smp.Logs.MessageLogReport.Empty)
        {
            output.WriteLine($"Messages restored: {report.Messages.Restored}, expired: {report.Messages.Expired}, left out: {report.Messages.Refused + report.Messages.BrokenLines}");
        }

        if (report.Messages.WithoutQueue > 0)
        {
            output.WriteLine($"Messages: {report.Messages.WithoutQueue} of them were left out as their queues were deleted since they were saved.");
        }

        if (report.Database is { } database)
        {
            output.WriteLine($"Database: {database.Queues} queues, {database.Services} services, {database.Messages} messages, {database.Refused} rows that cannot be read.");
        }

        if (report.Messages.HasTornLastLine)
        {
            output.WriteLine("Messages: the last line was torn and is left out.");
        }
    }
}
