using System.Diagnostics;

namespace Pairwise.EndToEnd.Tests;

/// <summary>The scripts of <c>deploy/</c>, in a folder instead of a machine (<c>DESTDIR</c>).</summary>
public sealed class DeployScriptsTests
{
    private static string Scripts => Path.Combine(Repository, "deploy");

    private static string Repository
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "Pairwise.slnx"))) folder = folder.Parent!;
            return folder.FullName;
        }
    }

    [Theory]
    [InlineData("smp", "smp-server")]
    [InlineData("xftp", "xftp-server")]
    public async Task An_update_keeps_the_former_program_and_unit_and_a_second_run_changes_nothing(string kind, string program)
    {
        using var folder = new TestFolder();
        var root = folder["root"];
        var bin = Path.Combine(root, "usr/local/bin", program);
        var unit = Path.Combine(root, "etc/systemd/system", program + ".service");
        Directory.CreateDirectory(Path.GetDirectoryName(bin)!);
        Directory.CreateDirectory(Path.GetDirectoryName(unit)!);
        await File.WriteAllTextAsync(bin, "official", Cancel);
        await File.WriteAllTextAsync(unit, "official unit", Cancel);

        for (var run = 0; run < 2; run++)
        {
            var (code, said) = await RunAsync(root, ("BINARY", "/bin/sh"), "install.sh", kind);
            Assert.True(code == 0, said);
            Assert.Equal(await File.ReadAllBytesAsync("/bin/sh", Cancel), await File.ReadAllBytesAsync(bin, Cancel));
            Assert.Equal("official", await File.ReadAllTextAsync(bin + ".former", Cancel));
            Assert.Equal(await File.ReadAllTextAsync(Path.Combine(Scripts, "systemd", program + ".service"), Cancel), await File.ReadAllTextAsync(unit, Cancel));
            Assert.Equal("official unit", await File.ReadAllTextAsync(unit + ".former", Cancel));
        }
    }

    [Theory]
    [InlineData("smp", "simplex", "smp-server.ini")]
    [InlineData("xftp", "simplex-xftp", "file-server.ini")]
    public async Task A_backup_brings_keys_settings_and_state_to_another_machine(string kind, string name, string ini)
    {
        using var folder = new TestFolder();
        foreach (var (machine, content) in new[] { ("one", "saved"), ("other", "made new") })
        {
            var config = Directory.CreateDirectory(Path.Combine(folder[machine], "etc/opt", name)).FullName;
            var state = Directory.CreateDirectory(Path.Combine(folder[machine], "var/opt", name)).FullName;
            foreach (var file in new[] { Path.Combine(config, ini), Path.Combine(config, "ca.crt"), Path.Combine(state, "store.log") }) await File.WriteAllTextAsync(file, content, Cancel);
        }

        await File.WriteAllTextAsync(Path.Combine(folder["one"], "etc/opt", name, ini), "[STORE_LOG]\nstore_messages: database\nstore_files = database\n", Cancel);
        var archive = folder["backup.tar.gz"];
        var (code, said) = await RunAsync(folder["one"], null, "backup.sh", kind, archive);
        Assert.True(code == 0, said);
        Assert.Contains("pg_dump", said, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(archive));
        (code, said) = await RunAsync(folder["one"], null, "backup.sh", kind, archive);
        Assert.NotEqual(0, code);
        Assert.Contains("exists already", said, StringComparison.Ordinal);

        (code, said) = await RunAsync(folder["other"], null, "restore.sh", kind, archive);
        Assert.True(code == 0, said);
        Assert.Equal("saved", await File.ReadAllTextAsync(Path.Combine(folder["other"], "etc/opt", name, "ca.crt"), Cancel));
        Assert.Equal("saved", await File.ReadAllTextAsync(Path.Combine(folder["other"], "var/opt", name, "store.log"), Cancel));
        Assert.Equal("made new", await File.ReadAllTextAsync(Path.Combine(folder["other"], "var/opt", name + ".before-restore", "store.log"), Cancel));

        (code, said) = await RunAsync(folder["other"], null, "restore.sh", kind == "smp" ? "xftp" : "smp", archive);
        Assert.NotEqual(0, code);
        Assert.Contains("is no backup of", said, StringComparison.Ordinal);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static async Task<(int Code, string Said)> RunAsync(string root, (string Name, string Value)? variable, string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("sh") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(Scripts, script));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        start.Environment["DESTDIR"] = root;
        if (variable is { } set) start.Environment[set.Name] = set.Value;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(Cancel);
        var errors = process.StandardError.ReadToEndAsync(Cancel);
        await process.WaitForExitAsync(Cancel);
        return (process.ExitCode, await output + await errors);
    }
}
