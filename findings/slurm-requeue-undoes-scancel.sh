#!/bin/bash
# Slurm lets a job that is being cancelled put itself back in the queue: scancel is undone, and no state says that it was given.
#
# Seen with slurm-wlm 22.05.8 (Debian 12). A batch script that requeues itself when it hears SIGTERM, so as to survive its time limit,
#     trap 'scontrol requeue $SLURM_JOB_ID' TERM
# cannot be cancelled while it runs. scancel sends the script TERM, too, and until the script has ended the job is COMPLETING, from which
# "scontrol requeue" takes it without complaint: it is PENDING again (reason BeginTime), and soon RUNNING. scancel has ended with exit
# code 0, and the job's log says CANCELLED. At the time limit the state is COMPLETING as well; only the reason differs ("squeue
# --states=all -o %r" says TimeLimit, and None after scancel), so a script that requeues itself on TERM must ask for it first.
#
# Needs root, and Debian's packages slurm-wlm and munge: it starts daemons of its own on loopback. Exit code 0 if this is still so, 2 if
# something that it needs is missing.
set -eu
PATH="$PATH:/usr/sbin"
[ "$(id -u)" -eq 0 ] || { echo "must be run as root" >&2; exit 2; }
for program in munged slurmctld slurmd; do
  command -v "$program" > /dev/null || { echo "$program is missing (apt-get install slurm-wlm munge)" >&2; exit 2; }
done
folder=$(mktemp -d)
chmod 755 "$folder"
end() {
  # KILL cannot be trapped, so the job ends; its step must have ended before the daemons do.
  timeout 10 scancel --full --signal=KILL --user=root 2> /dev/null || true
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -n "$(timeout 10 squeue --noheader 2> /dev/null)" ] || break
    sleep 1
  done
  for daemon in slurmd slurmctld munged; do
    kill "$(cat "$folder/$daemon.pid" 2> /dev/null)" 2> /dev/null || true
  done
  sleep 2
  rm -rf "$folder"
}
trap end EXIT
cd "$folder"
mkdir state spool
(umask 077 && head -c 1024 /dev/urandom > munge.key)
port=$((20000 + $$ % 20000))
host=$(hostname -s)
cat > slurm.conf << CONF
ClusterName=finding
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmdPort=$((port + 1))
SlurmUser=root
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
AuthType=auth/munge
AuthInfo=socket=$folder/munge.socket,cred_expire=5
CryptoType=crypto/munge
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName=$host NodeAddr=127.0.0.1 CPUs=1 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF="$folder/slurm.conf"
munged --force --key-file=munge.key --socket="$folder/munge.socket" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munged.log" --seed-file="$folder/munge.seed"
slurmctld
slurmd

until_it_says() { # text, seconds, command...
  text=$1
  left=$2
  shift 2
  until "$@" 2> /dev/null | grep -q "$text"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 1
  done
}
until_it_says idle 30 sinfo --noheader --format=%T || { echo "Slurm did not start" >&2; exit 2; }

cat > job.sh << 'JOB'
#!/bin/bash
#SBATCH --requeue --open-mode=append --output=job.log
echo "start $((${SLURM_RESTART_COUNT:-0} + 1))"
trap 'squeue --noheader --states=all --jobs=$SLURM_JOB_ID --format="TERM while the job is %T, reason %r"
  scontrol requeue $SLURM_JOB_ID; echo "requeue: exit code $?"; exit' TERM
sleep 600 &
wait
JOB
job=$(sbatch --parsable job.sh)
until_it_says 'start 1' 60 cat job.log || { echo "the job did not start" >&2; exit 2; }
scancel "$job"
if until_it_says 'start 2' 60 cat job.log && until_it_says RUNNING 10 squeue --noheader --jobs="$job" --format=%T; then
  cat job.log
  echo "still so: job $job was cancelled, and runs"
else
  cat job.log
  squeue --states=all
  echo "changed: the job did not come back after scancel" >&2
  exit 1
fi
